"""What is read from a prompt: figures, how many, whose colour is whose, and the ground."""

from __future__ import annotations

import numpy as np
import pytest

from nanogpt_client.sandbox.brain.colours import NAMED, name_of, names_of
from nanogpt_client.sandbox.brain.scene import Figure, read_scene

_RED, _BLUE, _GREEN = NAMED["red"], NAMED["blue"], NAMED["green"]


@pytest.mark.parametrize(
    ("prompt", "figures", "ground"),
    [
        ("a red circle on blue", [Figure("circle", _RED)], _BLUE),
        ("a red circle on a blue background", [Figure("circle", _RED)], _BLUE),
        ("a ball on a red box", [Figure("circle"), Figure("square", _RED)], None),
        ("red sun in a blue sky", [Figure("sun", _RED)], _BLUE),
        ("a red cat is blue", [Figure("cat", _RED)], None),
        ("a house in red", [Figure("house", _RED)], None),
        ("the cat is green", [Figure("cat", _GREEN)], None),
        ("two green cats", [Figure("cat", _GREEN)] * 2, None),
        ("3 red fish", [Figure("fish", _RED)] * 3, None),
        ("puppies", [Figure("dog")] * 3, None),
        ("a two year old dog", [Figure("dog")], None),
        ("3d render of a robot", [Figure("robot")], None),
        ("a cat; the cat sleeps", [Figure("cat")], None),
        ("make it blue", [], _BLUE),
        ("serenity", [], None),
    ],
)
def test_figures_and_ground(prompt, figures, ground):
    scene = read_scene(prompt)
    assert list(scene.figures) == figures
    assert scene.ground == (ground and (ground, ground))


def test_a_setting_is_the_ground_unless_a_colour_is():
    night, day = read_scene("a boat at night"), read_scene("a boat")
    assert night.starry
    assert night.ground
    assert max(night.ground[0]) < 60
    assert not day.starry
    assert read_scene("a boat at night on red").ground == (_RED, _RED)


def test_colours_without_owner_are_accents():
    assert read_scene("a red and blue boat").accents == (_RED,)
    assert read_scene("a cat and something green and red").accents == (_GREEN, _RED)


def test_there_is_an_end_to_the_figures():
    assert len(read_scene("nine stars, nine moons, nine suns").figures) == 12


@pytest.mark.parametrize(
    "word",
    "red orange yellow green olive cyan teal blue purple pink brown black grey white".split(),
)
def test_a_colour_is_called_by_the_name_it_was_asked_by(word):
    assert name_of(NAMED[word]) == word


def test_every_colour_has_a_name():
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    assert len(set(names_of(cube))) == 16
