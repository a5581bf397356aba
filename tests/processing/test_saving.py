# Copyright 2026 The GET-HF authors. SPDX-License-Identifier: Apache-2.0
import json
import pickle
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from datasets.fingerprint import Hasher
from transformers import AutoFeatureExtractor

from get_hf.processing import feature_extraction_get
from get_hf.processing.feature_extraction_get import CONDITIONS, GETFeatureExtractor
from get_hf.processing.population_get import pack, unpack
from get_hf.training.pretraining.population import fit_feature_extractor
from small import NAMES, PATCH, RATE, as_raw, assert_same, continued, signal


class TestSaving:
    def test_a_loaded_model_gives_the_same_bits(self, extractor, tmp_path):
        features = extractor(as_raw(signal()))
        extractor.save_pretrained(tmp_path)
        loaded = GETFeatureExtractor.from_pretrained(tmp_path)
        again = loaded(as_raw(signal()))
        for name, tensor in features.items():
            assert torch.equal(tensor, again[name])
        np.testing.assert_array_equal(
            loaded.decode(continued(features), again, "array"),
            extractor.decode(continued(features), features, "array"),
        )

    def test_saving_again_writes_the_same_file(self, extractor, tmp_path):
        extractor.save_pretrained(tmp_path / "a")
        GETFeatureExtractor.from_pretrained(tmp_path / "a").save_pretrained(tmp_path / "b")
        for name in ("preprocessor_config.json", "population.safetensors", "checkpoint_files.json"):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

    def test_its_fingerprint_is_the_same_before_and_after_it_was_used(self):
        extractor = GETFeatureExtractor()
        dataset = Dataset.from_list([{"eeg": signal(2.0).tolist()}])

        def mapped() -> str:
            return dataset.map(lambda row: extractor(row["eeg"], RATE, NAMES, "uV"))._fingerprint

        before, first = Hasher.hash(extractor), mapped()
        features = extractor(as_raw(signal()))
        extractor.decode(continued(features), features)
        assert Hasher.hash(extractor) == before
        assert mapped() == first  # `map` finds again what it has written
        assert Hasher.hash(GETFeatureExtractor(band=(1.0, 40.0))) != before

    def test_a_pickled_copy_gives_the_same(self, extractor):
        features = extractor(as_raw(signal()))
        copied = pickle.loads(pickle.dumps(extractor))
        assert_same(copied(as_raw(signal())), features, atol=0)
        assert copied.to_dict() == extractor.to_dict()

    def test_the_file_is_named_and_typed_as_transformers_expects(self, extractor, tmp_path):
        extractor.save_pretrained(tmp_path)
        saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
        assert saved["feature_extractor_type"] == "GETFeatureExtractor"
        assert saved["conditions"] == list(CONDITIONS)
        assert "transform" not in saved
        assert saved["population"] == "population.safetensors"
        assert len(json.dumps(saved, indent=2).splitlines()) < 60

    def test_arguments_survive(self, tmp_path):
        GETFeatureExtractor(band=(1.0, 40.0), conditions=["none", "asleep"], prior_patches=4).save_pretrained(tmp_path)
        loaded = GETFeatureExtractor.from_pretrained(tmp_path)
        assert (loaded.band, loaded.conditions, loaded.prior_patches) == (
            [1.0, 40.0],
            ["none", "asleep"],
            4.0,
        )

    def test_harmonics_are_packed_as_float32(self):
        a = np.random.default_rng(0).standard_normal((PATCH, 36, 36))
        a = (a + a.swapaxes(1, 2)).astype(np.float32)
        np.testing.assert_array_equal(unpack(pack(a)), a)

    def test_an_extractor_that_was_fitted_has_the_filter_of_its_corpus(self, extractor):
        assert extractor.transform.order == 50
        with pytest.raises(ValueError, match="none was given"):
            fit_feature_extractor([])

    def test_an_unfitted_extractor_works(self, read):
        generic = GETFeatureExtractor()
        features = generic(as_raw(signal()))
        (decoded,) = generic.decode(continued(features), features, "array")
        assert np.isfinite(decoded).all()
        assert decoded[:, 960:].std() < 1000


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ar_coefficients": [0.5, 0.1]}, "has no ar_coefficients: .* another version"),
        ({"sampling_rate": "100"}, "sampling_rate .* positive number, not '100'"),
        ({"sampling_rate": -100.0}, "sampling_rate .* positive number, not -100"),
        ({"patch_size": [25]}, r"patch_size .* positive number, not \[25\]"),
        ({"patch_size": True}, "patch_size .* positive number, not True"),
        ({"patch_size": 25.5}, "patch_size .* whole number up to 1000, not 25.5"),
        ({"patch_size": 10**9}, "patch_size .* whole number up to 1000, not 1000000000"),
        ({"sampling_rate": 200.0}, "sampling_rate is 200 Hz, .* samples at 100 Hz: leave sampling_rate at 100"),
        ({"patch_size": 20}, r"channel_variance of the population must be finite numbers of shape \(20,\)"),
        ({"conditions": [f"c{n}" for n in range(20_000)]}, "conditions .* different names"),
        ({"band": [1.0]}, "band of the feature extractor must be 2 numbers, not 1"),
        ({"generated_gains": [1.0] * 25}, "has no generated_gains: its file was written by another version"),
        ({"conditions": "rest"}, "conditions .* different names, not 'rest'"),
        ({"conditions": ["rest", "rest"]}, "conditions .* different names"),
    ],
    ids=str,
)
def test_a_file_that_holds_something_else_is_refused_in_one_sentence(tmp_path, settings, expected):
    GETFeatureExtractor().save_pretrained(tmp_path)
    file = tmp_path / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    for load in (GETFeatureExtractor.from_pretrained, AutoFeatureExtractor.from_pretrained):
        with pytest.raises(ValueError, match=expected) as error:
            load(tmp_path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("change", [{"sampling_rate": 200.0}, {"patch_size": 50}, {"sampling_rate": 50.0}])
@pytest.mark.parametrize("load", [GETFeatureExtractor.from_pretrained, AutoFeatureExtractor.from_pretrained])
def test_constants_are_refused_at_another_rate_or_patch_size(tmp_path, load, change):
    GETFeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"leave sampling_rate at|channel_variance of the population"):
        load(tmp_path, **change)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{", ""])
def test_a_file_that_holds_no_settings_is_refused_in_one_sentence(tmp_path, content):
    GETFeatureExtractor().save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises((ValueError, OSError), match=r"preprocessor_config\.json") as error:
        GETFeatureExtractor.from_pretrained(tmp_path)
    assert len(str(error.value)) < 500


def test_arrays_go_in_and_out_where_mne_is_not_installed_and_the_room_stands_alone(tmp_path):
    shutil.copytree(
        Path(feature_extraction_get.__file__).parent,
        tmp_path / "travelled",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    script = textwrap.dedent(
        """
        import sys

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("mne", "get_hf"):
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Blocker())
        import numpy as np
        from travelled.feature_extraction_get import GETFeatureExtractor

        extractor = GETFeatureExtractor()
        x = 20 * np.random.default_rng(0).standard_normal((2, 500))
        features = extractor(x, sampling_rate=250, ch_names=["C3", "C4"], unit="uV")
        (array,) = extractor.decode(features["input_values"], features, "array")
        assert array.shape == (2, 500)
        try:
            extractor.decode(features["input_values"], features, "raw")
        except ImportError as error:
            print(error)
        try:
            extractor("S001R01.edf")
        except ImportError as error:
            print(error)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "ask for output='array'" in done.stdout
    assert "pip install get-hf, or give" in done.stdout
