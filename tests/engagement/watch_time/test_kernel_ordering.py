import numpy as np
import pyarrow as pa
import pytest

from video_assets.arrow.columns import group_codes, grouped_order, with_plain_texts
from video_assets.player_events import ordering
from video_assets.player_events.ordering import OrderedEvents
from video_assets.vocabulary import PlayerEvent

INT64 = np.iinfo(np.int64)


LOOKBACK = 10.0


def events(
    rows: list[tuple[int, str, float]], *, user: str = "u", session: str = "s", video: str = "v"
) -> pa.Table:
    """Rows of (microseconds, event name without its prefix, position); seeks go to 7 s."""
    return pa.table(
        {
            "timestamp": pa.array([t for t, _, _ in rows], pa.timestamp("us", "UTC")),
            "userId": pa.array([user] * len(rows), pa.string()),
            "sessionId": pa.array([session] * len(rows), pa.string()),
            "videoId": pa.array([video] * len(rows), pa.string()),
            "eventName": pa.array([f"video_{name}" for _, name, _ in rows], pa.string()),
            "currentTime": pa.array([position for _, _, position in rows], pa.float64()),
            "seekTime": pa.array([7.0 if n == "seek" else None for _, n, _ in rows], pa.float64()),
        }
    )


def order_events(table: pa.Table) -> OrderedEvents:
    return ordering.order_events(table, LOOKBACK)


AT_ONCE = [(7, name, 1.0) for name in ("resume", "heartbeat", "ended", "play", "seek", "pause")]


@pytest.mark.parametrize(
    ("before", "names"),
    [
        ([(1, "play", 0.0)], "heartbeat pause ended seek play resume"),
        ([(1, "pause", 0.0)], "seek play resume heartbeat pause ended"),
        ([], "seek play resume heartbeat pause ended"),
        ([(1, "heartbeat", 0.0)], "heartbeat pause ended seek play resume"),
        ([(1, "pause", 0.0), (2, "heartbeat", 0.0)], "seek play resume heartbeat pause ended"),
        ([(1, "play", 0.0), (2, "pause", 0.0), (2, "resume", 0.0)], "heartbeat pause ended seek"),
        ([(1, "pause", 0.0), (2, "pause", 1.0), (2, "resume", 0.0)], "seek play resume heartbeat"),
        ([(6 - int(LOOKBACK * 1e6), "play", 0.0)], "seek play resume heartbeat"),
        ([(7 - int(LOOKBACK * 1e6), "play", 0.0)], "heartbeat pause ended seek"),
    ],
    ids=[
        "it was playing",
        "it was paused",
        "nothing is known",
        "a heartbeat alone tells that it plays",
        "a heartbeat is no evidence against a pause",
        "an instant that stops and starts leaves it playing",
        "an instant that stops and starts leaves it paused",
        "a play before the look-back is forgotten",
        "a play at the look-back counts",
    ],
)
def test_simultaneous_events_come_in_the_order_of_a_player(
    before: list[tuple[int, str, float]], names: str
) -> None:
    ordered = order_events(events([*AT_ONCE, *before]))
    found = [PlayerEvent(code).name.lower() for code in ordered.event[len(before) :]]
    assert " ".join(found).startswith(names)


def test_what_happens_in_an_instant_changes_whether_it_plays() -> None:
    ordered = order_events(events(AT_ONCE))
    assert ordered.was_playing.tolist() == [False, False, True, True, True, False]


def test_seeks_from_one_place_at_one_time_come_by_their_target() -> None:
    seeks = events([(7, "seek", 1.0), (7, "seek", 1.0)])
    seeks = seeks.set_column(6, "seekTime", pa.array([5.0, 3.0]))
    assert order_events(seeks).target.tolist() == [3.0, 5.0]


def test_events_equal_in_time_and_name_come_by_position() -> None:
    ordered = order_events(events([(7, "pause", 3.0), (7, "pause", 0.5), (7, "pause", 2.0)]))
    assert ordered.position.tolist() == [0.5, 2.0, 3.0]


def test_a_row_delivered_three_times_is_one_event() -> None:
    ordered = order_events(events([(1, "play", 0.0), *[(9, "pause", 4.0)] * 3]))
    assert ordered.micros.tolist() == [1, 9]


def test_zero_and_minus_zero_are_one_position() -> None:
    assert len(order_events(events([(1, "play", 0.0), (1, "play", -0.0)]))) == 1


@pytest.mark.parametrize("column", ["userId", "sessionId", "videoId"])
def test_rows_that_differ_in_one_id_are_two_events(column: str) -> None:
    one = events([(1, "play", 0.0)])
    other = one.set_column(one.column_names.index(column), column, pa.array(["other"]))
    assert len(order_events(pa.concat_tables([one, other]))) == 2


def test_ids_are_not_mixed_up_when_their_texts_join_to_the_same_text() -> None:
    one = events([(1, "play", 0.0)], user="ab", video="c", session="d")
    other = events([(1, "play", 0.0)], user="a", video="bc", session="d")
    assert len(order_events(pa.concat_tables([one, other]))) == 2


def test_source_rows_point_to_the_events_as_delivered() -> None:
    ordered = order_events(events([(30, "ended", 9.0), (10, "play", 0.0), (20, "pause", 5.0)]))
    assert ordered.source_row.tolist() == [1, 2, 0]


def test_an_unknown_event_name_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"video_stall.*VIDEO_ASSETS_EVENT_NAMES"):
        order_events(events([(1, "play", 0.0), (2, "stall", 1.0)]))


def test_a_null_id_is_refused_with_its_column() -> None:
    table = events([(1, "play", 0.0)]).set_column(1, "userId", pa.array([None], pa.string()))
    with pytest.raises(ValueError, match="userId holds 1 nulls"):
        order_events(table)


def test_chunks_with_different_dictionaries_are_told_apart_by_their_texts() -> None:
    chunks = [pa.array(texts).dictionary_encode() for texts in (["a", "b"], ["b", "a", "c"])]
    table = with_plain_texts(pa.table({"id": pa.chunked_array(chunks)}))
    assert group_codes(table, "id").tolist() == [0, 1, 1, 0, 2]


def test_a_dictionary_that_repeats_a_text_does_not_split_a_group() -> None:
    repeating = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "a", "b"]))
    table = with_plain_texts(pa.table({"id": repeating}))
    assert group_codes(table, "id").tolist() == [0, 0, 1]


def test_slices_are_read_at_their_offset() -> None:
    table = events([(1, "play", 0.0), (2, "pause", 1.0), (3, "resume", 2.0), (4, "ended", 9.0)])
    ordered = order_events(table.slice(1, 2))
    assert ordered.position.tolist() == [1.0, 2.0]


def test_group_codes_stay_exact_where_the_combinations_exceed_64_bits() -> None:
    count = 3_000
    rng = np.random.default_rng(1)
    columns = {f"c{i}": rng.integers(0, count, count).astype(str) for i in range(6)}
    table = pa.table(columns)
    doubled = pa.concat_tables([table, table])
    codes = group_codes(doubled, *columns)
    assert codes[:count].tolist() == codes[count:].tolist()
    assert len(set(codes.tolist())) == len(set(zip(*columns.values(), strict=True)))


def reference_order(group: np.ndarray, *keys: np.ndarray) -> list[int]:
    return np.lexsort((*reversed(keys), group)).tolist()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([INT64.max, INT64.min, 0, -1, 1, INT64.max - 1], id="all of int64"),
        pytest.param([4, 4, 4, 4, 4, 4], id="all equal"),
        pytest.param([2**62 + 3, 2**62 + 1, 2**62 + 2, 0, 2**62, 1], id="differ in dropped bits"),
        pytest.param([0.0, 1e308, 5e-324, 0.1, 0.1 + 2**-55, 7200.0], id="all of float64"),
    ],
)
def test_a_key_that_does_not_fit_into_64_bits_sorts_exactly(values: list[float]) -> None:
    value = np.tile(np.array(values), 50)
    rng = np.random.default_rng(2)
    group = rng.integers(0, 2**20, 8)[rng.integers(0, 8, len(value))]
    tie = rng.permutation(len(value))
    assert grouped_order(group, value, tie).tolist() == reference_order(group, value, tie)


def test_tie_breakers_decide_in_their_order() -> None:
    group = np.zeros(4, np.int64)
    value = np.full(4, 9)
    order = grouped_order(group, value, np.array([1, 0, 1, 0]), np.array([0.5, 2.0, 0.2, 1.0]))
    assert order.tolist() == [3, 1, 2, 0]


def test_nothing_sorts_to_nothing() -> None:
    assert grouped_order(np.empty(0, np.int32), np.empty(0, np.int64)).tolist() == []
