"""How many rows got a label since a moment, which a retraining may wait for."""

from contextlib import closing

from stored_events import NOW, half, label

from kanaria.serving.payload_log.open_store import open_reader, open_store


def labelled(location, since, service="flights"):
    with closing(open_reader(location)) as reader:
        return reader.labelled("models", service, since)


def test_rows_count_from_the_arrival_of_their_label_whatever_their_age(location):
    with closing(open_store(location)) as store:
        store.apply([half(), label(0)], NOW)
        store.apply([label(1), label(0, request_id="of nobody")], NOW + 5)
    assert [labelled(location, NOW + since) for since in (0, 1, 5, 6)] == [2, 1, 1, 0]
    assert labelled(location, 0, "taxi") == 0


def test_a_row_that_several_models_answered_counts_once(location):
    with closing(open_store(location)) as store:
        store.apply([half(), half(id="b", version="2"), half(id="c", service="shadow")], NOW)
        store.apply([label(0), label(1)], NOW)
    assert labelled(location, 0) == 2


def test_a_label_that_is_given_again_is_not_new(location):
    with closing(open_store(location)) as store:
        store.apply([half(), label(0)], NOW)
        store.apply([label(0, 5, NOW + 9)], NOW + 9)
    assert labelled(location, NOW + 1) == 0
