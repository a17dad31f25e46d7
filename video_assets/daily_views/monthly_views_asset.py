"""`monthly_views`: the days summed up by month."""

from datetime import UTC, datetime

import dagster as dg
from pyspark.sql import DataFrame

from video_assets.catalog import DAILY_VIEWS, asset_key, column_lineage, declared
from video_assets.daily_views import monthly_views as frames
from video_assets.daily_views.tables import DAILY_VIDEO_VIEWS, MONTHLY_VIEWS
from video_assets.days import DAYS_OF_THE_MONTH


def monthly_views_asset(monthly: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `video/monthly_views`."""

    @dg.asset(
        **declared(MONTHLY_VIEWS, DAILY_VIEWS),
        pool=MONTHLY_VIEWS.name,
        description="Views of each video by month. The current month is there too, as far as its "
        "days are, and marked `is_incomplete` in its metadata. Days without a known count do not "
        "count; a month without any is null.",
        ins={
            DAILY_VIDEO_VIEWS.name: dg.AssetIn(
                asset_key(DAILY_VIDEO_VIEWS), partition_mapping=DAYS_OF_THE_MONTH
            )
        },
        partitions_def=monthly,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def monthly_views(context: dg.AssetExecutionContext, daily_video_views: DataFrame) -> DataFrame:
        current_month = datetime.now(UTC).strftime("%Y-%m-01")
        for month in context.partition_keys:
            is_incomplete = {"is_incomplete": month >= current_month}
            context.add_asset_metadata(is_incomplete, partition_key=month)
        context.add_output_metadata(column_lineage(MONTHLY_VIEWS))
        return frames.monthly_views(daily_video_views)

    return monthly_views
