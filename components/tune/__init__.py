"""tune_model: the user's tuner_fn becomes the best hyperparameters of several trainings.

Rule: it trains as train_model does, with the same FnArgs, data accessor and seeds, so it may import
`kanaria.components.train`, as no other step may. KerasTuner proposes values and ranks trials;
`search` hands them out, `one_trial` runs one, here or in a process of `trial_processes`, and
`search_state` keeps what has ended so that a killed search goes on. What KerasTuner does not do by
itself (tf.keras beside Keras 3) is in `private_keras_tuner` and nowhere else.
"""
