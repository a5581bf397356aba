# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
from get_hf.training.evaluation.requirements import ONLY_REPORT, REQUIREMENTS, check_requirements


def test_bars_name_value_limit_and_whether_they_hold():
    def column(psd, covariance, auc):
        values = {"log PSD, ensemble": psd, "covariance, ensemble": covariance, "AUC convolutional net": auc}
        return {name: {"value": value} for name, value in values.items()}

    rows = {
        "GET": column(1.25, 0.3, 0.7),
        "real": column(1.0, 0.1, 0.5),
        "pooled VAR(12)": column(3.0, 0.4, 0.9),
        "prompt VAR": column(2.0, 0.2, 0.8),
        "IAAFT": column(1.0, 0.1, 0.65),
    }
    found = {(each["row"], each["limit"].split(" ")[0]): each for each in check_requirements(rows, "GET")}
    assert found["log PSD, ensemble", "<="]["holds"] is True
    assert found["covariance, ensemble", "<="]["holds"] is False
    assert found["covariance, ensemble", "below"]["holds"] is True
    assert found["AUC convolutional net", "<="]["holds"] is True
    assert found["AUC convolutional net", "below"]["holds"] is False  # above IAAFT
    del rows["real"]
    assert {each["holds"] for each in check_requirements(rows, "GET") if "real" in each["limit"]} == {None}


def test_rows_that_only_report_are_no_requirement():
    assert not set(ONLY_REPORT) & set(REQUIREMENTS)


def test_the_network_must_be_better_than_none():
    def column(auc):
        return {"AUC everything, logistic": {"value": auc}}

    rows = {
        "GET": column(0.7),
        "real": column(0.5),
        "white": column(0.9),
        "playback": column(0.65),
        "replay": column(0.5),
    }
    below = next(each for each in check_requirements(rows, "GET") if each["limit"].startswith("below"))
    assert below["holds"] is False
    assert "playback (0.650)" in below["limit"]
    assert "replay" not in below["limit"]  # it copies the prompt
