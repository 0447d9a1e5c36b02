"""A user module with every analyzer of TFT, as one row's outputs; the tests' engines run it."""

import tensorflow as tf
import tensorflow_transform as tft


def _dense(x, default):
    return tf.sparse.to_dense(
        tf.SparseTensor(x.indices, x.values, [x.dense_shape[0], 1]), default_value=default
    )


def _numbers(x, hour, score):
    def to_rows(value):
        return tf.zeros_like(x[:, 0]) + tf.cast(value, tf.float32)

    pair = tf.concat([x, x * x], axis=1)
    counts, boundaries = tft.histogram(x, boundaries=6)
    return {
        "mean": to_rows(tft.mean(x)),
        "variance": to_rows(tft.var(score)),
        "minimum": to_rows(tft.min(score)),
        "maximum": to_rows(tft.max(x)),
        "sum": to_rows(tft.sum(hour)),
        "size": to_rows(tft.size(score)),
        "mean_of_each": tf.zeros_like(pair) + tft.mean(pair, reduce_instance_dims=False),
        "z": tft.scale_to_z_score(score),
        "unit_of_each": tft.scale_to_0_1(pair, elementwise=True),
        "gaussian": tft.scale_to_gaussian(x),
        "quantiles": tf.zeros_like(x) + tft.quantiles(x, 7, 0.01),
        "bucket": tft.bucketize(score, 5),
        "bucket_by_weight": tft.bucketize(x, 10, weights=tf.abs(x)),
        "bucket_of_each": tft.bucketize(pair, 4, elementwise=True),
        "histogram": tf.zeros_like(x, tf.int64) + counts,
        "histogram_boundaries": tf.zeros_like(x) + tf.cast(boundaries, tf.float32),
        "covariance": tf.zeros_like(x) + tf.reshape(tft.covariance(pair, tf.float32), [1, -1]),
        "principal": tf.matmul(pair, tft.pca(pair, 2, tf.float32)),
    }


def _by_key(x, key):
    _, counts = tft.count_per_key(key)
    places = tf.range(1, tf.size(counts, tf.int64) + 1)
    return {
        "unit_by_key": tft.scale_to_0_1_per_key(x, key),
        "z_by_key": tft.scale_to_z_score_per_key(x, key),
        "z_by_key_file": tft.scale_to_z_score_per_key(x, key, key_vocabulary_filename="z_keys"),
        "bucket_by_key": tft.bucketize_per_key(x, key, 3),
        "weighted_by_key": tft.bucketize_per_key(x, key, 3, weights=tf.abs(x)),
        "counts_by_key": tf.zeros_like(x, tf.int64) + tf.reduce_sum(counts * places),
    }


def _vocabularies(text, key, number, never, x):
    label, weight = tf.cast(x > 500.0, tf.int64), tf.abs(x) / 7.0
    kinds = {
        "top": {"top_k": 3},
        "frequent": {"frequency_threshold": 200},
        "by_weight": {"weights": weight},
        "informative": {"labels": label},
        "informative_by_weight": {"labels": label, "weights": weight},
        "adjusted": {"labels": label, "use_adjusted_mutual_info": True, "min_diff_from_avg": 0},
        "shuffled": {"fingerprint_shuffle": True},
        "covered": {"key_fn": lambda token: token[:1], "coverage_top_k": 1, "top_k": 1},
        "records": {"file_format": "tfrecord_gzip"},
        "reserved": {"reserved_tokens": ["PAD", "AA"], "top_k": 4},
        "none_frequent": {"frequency_threshold": 10**9},
    }
    outputs = {
        name: tft.compute_and_apply_vocabulary(key, vocab_filename=name, **options)
        for name, options in kinds.items()
    }
    for name in ("top", "by_weight", "informative_by_weight", "adjusted"):
        named = {"vocab_filename": f"{name}_values", "store_frequency": True, **kinds[name]}
        tft.vocabulary(key, **named)
    about = tft.experimental.approximate_vocabulary
    return outputs | {
        "text": tft.compute_and_apply_vocabulary(text, num_oov_buckets=2),
        "numbers": tft.compute_and_apply_vocabulary(number % 17, top_k=9),
        "never": tft.compute_and_apply_vocabulary(never, top_k=3),
        "about": tft.apply_vocabulary(key, about(key, 3)),
        "about_by_weight": tft.apply_vocabulary(key, about(key, 3, weights=weight)),
        "about_reserved": tft.apply_vocabulary(key, about(key, 3, reserved_tokens=["PAD"])),
        "about_numbers": tft.apply_vocabulary(number % 17, about(number % 17, 4)),
    }


def _lists(text):
    words = tft.compute_and_apply_vocabulary(text, vocab_filename="words")
    places, weights = tft.tfidf(words, 20)
    return {
        "tfidf_places": places,
        "tfidf_weights": weights,
        "distinct": tft.deduplicate_tensor_per_row(text),
        "word_count": tft.word_count(tf.RaggedTensor.from_sparse(text)),
        "ngrams": tft.compute_and_apply_vocabulary(tft.ngrams(text, (1, 2), "_")),
        "ragged": tf.RaggedTensor.from_sparse(text),
    }


def preprocessing_fn(inputs):
    x, key = inputs["miles"], tf.squeeze(inputs["carrier"], axis=1)
    hour, score, text = _dense(inputs["hour"], 0), inputs["score"], inputs["tags"]
    flat = tf.squeeze(x, axis=1)
    return {
        **_numbers(x, hour, score),
        **_by_key(flat, key),
        **_vocabularies(text, key, inputs["id"], inputs["never"], flat),
        **_lists(text),
    }
