"""Explains single answers of a served model: `POST /v1/models/NAME:explain`, as KServe's V1 has it.

Rule: it loads no model. It asks the predictor for rows that mix the explained row with rows of a
background, all of one explanation in one request, so that under a canary one revision answers them
all. `explain_request`, `row_codes` and `answer_numbers` are pure; `predictor_calls` alone asks;
`http_routes` is the server of a cluster's explainer and of this machine's (`serving.local`).
"""
