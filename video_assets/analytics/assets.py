"""The analysts' tables: engagement and sessions, summed up by video, position, user and week."""

import dagster as dg
from pyspark.sql import DataFrame

from resources.delta.stage import StagedTable
from resources.delta.table import Table
from resources.engine.session import SparkEngine
from resources.runs.passing_faults import retries_passing_faults
from video_assets.analytics import video_engagement_bi as bi_frames
from video_assets.analytics import viewer_cohorts as cohort_frames
from video_assets.analytics.forecast_metadata import forecast_metadata, reliability
from video_assets.analytics.stage_daily import stage_dimension_daily, stage_video_daily
from video_assets.analytics.stage_experiments import stage_experiment_results
from video_assets.analytics.stage_forecast import stage_completion_forecast
from video_assets.analytics.stage_position_curve import stage_position_curve
from video_assets.analytics.stage_user_engagement import stage_user_engagement
from video_assets.analytics.stage_video_performance import stage_video_performance
from video_assets.analytics.tables import (
    COMPLETION_FORECAST,
    DIMENSION_DAILY,
    EXPERIMENT_RESULTS,
    USER_ENGAGEMENT,
    VIDEO_DAILY,
    VIDEO_ENGAGEMENT_BI,
    VIDEO_PERFORMANCE,
    VIDEO_POSITION_CURVE,
    VIEWER_COHORTS,
)
from video_assets.catalog import ANALYTICS, asset_key, days_of, declared
from video_assets.engagement.tables import ENGAGEMENT, SESSIONS, VIDEO_METADATA
from video_assets.player_events.tables import RAW_EVENTS
from video_assets.settings import Settings
from video_assets.settings.analytics import AnalyticsSettings


def analytics_assets(daily: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The assets of the group `analytics`: most are computed as a whole, from all days."""
    return [
        video_daily_asset(daily),
        dimension_daily_asset(daily),
        video_performance_asset(),
        video_position_curve_asset(),
        user_engagement_asset(),
        viewer_cohorts_asset(),
        video_engagement_bi_asset(),
        experiment_results_asset(),
        completion_forecast_asset(),
    ]


def video_daily_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/video_daily`."""

    @dg.asset(
        **declared(VIDEO_DAILY, ANALYTICS),
        description="Each video day by day: plays, viewers and those of them who are new, "
        "sessions, watch time, what was watched at least once, completions, skips, and the days "
        "since anyone first opened it. A day is computed from its own sessions; a day that comes "
        "late restates who was new on later ones.",
        deps=[asset_key(SESSIONS), asset_key(ENGAGEMENT)],
        partitions_def=daily,
    )
    @retries_passing_faults
    def video_daily(
        context: dg.AssetExecutionContext,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        return stage_video_daily(spark, settings, days_of(context), context.log)

    return video_daily


def dimension_daily_asset(daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/dimension_daily`."""

    @dg.asset(
        **declared(DIMENSION_DAILY, ANALYTICS),
        description="Each video day by day, by the values of the dimensions that "
        "`VIDEO_ASSETS_EVENTS_DIMENSIONS` or the preset names, such as device or country: the "
        "measures of `video_daily`. Without any dimension there are no rows.",
        deps=[asset_key(SESSIONS), asset_key(ENGAGEMENT)],
        partitions_def=daily,
    )
    @retries_passing_faults
    def dimension_daily(
        context: dg.AssetExecutionContext,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        return stage_dimension_daily(spark, settings, days_of(context), context.log)

    return dimension_daily


def video_performance_asset() -> dg.AssetsDefinition:
    """The asset `video/video_performance`."""

    @dg.asset(
        **declared(VIDEO_PERFORMANCE, ANALYTICS),
        description="How each video does: viewers, plays, sessions, hours, how much of it is "
        "watched, how many complete it and how far they get, where they drop off, scores and "
        "tiers. A viewer is a user with any event of the video. Viewers with a data quality flag "
        "count in every number, and are counted in `flaggedViewers`; those with an "
        "`exclusionReason` of `user_engagement` do not, and are counted in `excludedViewers`.",
        deps=[
            asset_key(ENGAGEMENT),
            asset_key(USER_ENGAGEMENT),
            _days_of(SESSIONS),
            _days_of(RAW_EVENTS),
        ],
    )
    @retries_passing_faults
    def video_performance(spark: SparkEngine, settings: dg.ResourceParam[Settings]) -> StagedTable:
        return stage_video_performance(spark, settings)

    return video_performance


def video_position_curve_asset() -> dg.AssetsDefinition:
    """The asset `video/video_position_curve`."""

    @dg.asset(
        **declared(VIDEO_POSITION_CURVE, ANALYTICS),
        description="Where in a video people watch, watch again and leave, in buckets of "
        "`VIDEO_ASSETS_POSITION_BUCKET_SECONDS`. A bucket is watched when any of it is; a pause "
        "in it does not make two views of one. Viewers exit where what they watched last, in "
        "time, ends. Each percent of a video is compared with videos of similar length. Viewers "
        "with an `exclusionReason` of `user_engagement` are left out. Computed anew from all "
        "events, because who watches on two days is one viewer.",
        ins={RAW_EVENTS.name: _all_days(RAW_EVENTS)},
        deps=[asset_key(ENGAGEMENT), asset_key(USER_ENGAGEMENT)],
    )
    @retries_passing_faults
    def video_position_curve(
        context: dg.AssetExecutionContext,
        raw_events: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        return stage_position_curve(raw_events, spark, settings, context.log)

    return video_position_curve


def user_engagement_asset() -> dg.AssetsDefinition:
    """The asset `video/user_engagement`."""

    @dg.asset(
        **declared(USER_ENGAGEMENT, ANALYTICS),
        description="Each user over all videos: how many videos and completions, how long, how "
        "engaged, what ran side by side, and why rankings and curves leave a user out who does "
        "more than a person can. A session in which a user watched two videos counts for each of "
        "them.",
        ins={ENGAGEMENT.name: _whole_table(ENGAGEMENT)},
        deps=[_days_of(SESSIONS), _days_of(RAW_EVENTS)],
    )
    @retries_passing_faults
    def user_engagement(
        context: dg.AssetExecutionContext,
        aggregated_user_video_engagement: DataFrame,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        return stage_user_engagement(aggregated_user_video_engagement, spark, settings, context.log)

    return user_engagement


def viewer_cohorts_asset() -> dg.AssetsDefinition:
    """The asset `video/viewer_cohorts`."""

    @dg.asset(
        **declared(VIEWER_COHORTS, ANALYTICS),
        description="Do viewers come back: those who came first in the same week (Monday to "
        "Sunday, UTC), week by week since then. The newest week may be incomplete.",
        ins={SESSIONS.name: _all_days(SESSIONS)},
    )
    @retries_passing_faults
    def viewer_cohorts(sessions: DataFrame) -> DataFrame:
        return cohort_frames.viewer_cohorts(sessions)

    return viewer_cohorts


def video_engagement_bi_asset() -> dg.AssetsDefinition:
    """The asset `video/vw_video_engagement_bi`."""

    @dg.asset(
        **declared(VIDEO_ENGAGEMENT_BI, ANALYTICS),
        description="For report tools such as Power BI: the engagement rows without a data "
        "quality flag, with times in minutes and days.",
        ins={ENGAGEMENT.name: _whole_table(ENGAGEMENT)},
    )
    @retries_passing_faults
    def vw_video_engagement_bi(
        aggregated_user_video_engagement: DataFrame, settings: dg.ResourceParam[Settings]
    ) -> DataFrame:
        return bi_frames.video_engagement_bi(
            aggregated_user_video_engagement, settings.definition_change_days
        )

    return vw_video_engagement_bi


def experiment_results_asset() -> dg.AssetsDefinition:
    """The asset `video/experiment_results`."""

    @dg.asset(
        **declared(EXPERIMENT_RESULTS, ANALYTICS),
        description="What the variants of experiments (`VIDEO_ASSETS_EXPERIMENTS`) changed, by "
        "viewer: watch time, completion and return, the difference to the control with its "
        "interval, and whether viewers came in the planned shares. Computed anew each day, and "
        "right however often one looks. Without an experiment there are no rows.",
        deps=[_days_of(SESSIONS)],
    )
    @retries_passing_faults
    def experiment_results(spark: SparkEngine, settings: dg.ResourceParam[Settings]) -> StagedTable:
        return stage_experiment_results(spark, settings)

    return experiment_results


def completion_forecast_asset() -> dg.AssetsDefinition:
    """The asset `video/completion_forecast`."""

    @dg.asset(
        **declared(COMPLETION_FORECAST, ANALYTICS),
        description="Who will probably not finish: of each user and video that was opened and not "
        "completed, the probability that it is within 7 days. Each run fits the model again, and "
        "tries it on the newest week, which it did not see; where it is no better than the rate of "
        "the video or of the viewer, there are no rows, and the metadata say why.",
        deps=[_days_of(SESSIONS), asset_key(VIDEO_METADATA)],
    )
    @retries_passing_faults
    def completion_forecast(
        context: dg.AssetExecutionContext,
        spark: SparkEngine,
        settings: dg.ResourceParam[Settings],
    ) -> StagedTable:
        made = stage_completion_forecast(spark, settings, context.log)
        shown = forecast_metadata(made)
        if made.evaluation:
            shown["reliability"] = dg.MetadataValue.md(reliability(made.evaluation))
        context.add_output_metadata(shown)
        return made.staged

    return completion_forecast


def _whole_table(table: Table) -> dg.AssetIn:
    return dg.AssetIn(asset_key(table))


def _days_of(table: Table) -> dg.AssetDep:
    return dg.AssetDep(asset_key(table), partition_mapping=dg.AllPartitionMapping())


def _all_days(table: Table) -> dg.AssetIn:
    return dg.AssetIn(asset_key(table), partition_mapping=dg.AllPartitionMapping())


def _analytics_settings(settings: Settings) -> AnalyticsSettings:
    chosen = settings.model_dump(include=set(AnalyticsSettings.model_fields))
    return AnalyticsSettings(**chosen)
