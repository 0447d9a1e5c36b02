"""Answers the messages of a Kafka topic by a model, in another topic.

What a message, an answer or a failed request leads to is decided in pure functions on frozen
dataclasses (`messages`, `request_bodies`, `model_answers`, `next_step`); `model_client` alone
speaks HTTP; `topic_reader`, `answer_writer` and `broker_topics` alone speak to the broker.
"""
