"""Which features a model's answer comes from: Shapley values of one row, by SHAP.

Rule: nothing here knows where rows come from or who answers. A row is a code for each feature, so
numbers, text, lists and missing values are one thing, and SHAP sees integers alone. Only
`shapley_values` loads SHAP, which takes seconds and compiles as it is first used; no command but
those that explain may import it.
"""
