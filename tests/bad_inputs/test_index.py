"""Where each case is tested, by its number; a test that is moved or renamed has to be found again here."""

import ast

import pytest

from tests.project.tree import ROOT

_ADDRESSES, _SOURCES = "tests/bad_inputs/test_addresses.py", "tests/bad_inputs/test_sources.py"
_BY_ADDRESS = (
    f"{_ADDRESSES}::test_address_is_refused_at_submit_and_nothing_is_stored",
    f"{_ADDRESSES}::test_worker_refuses_it_by_itself",
)
_FETCH, _LINKS = "tests/worker/transfer/test_fetch.py", "tests/orchestrator/api/test_outputs.py"
_COMPLETING = "tests/orchestrator/uploads/test_completing.py"
_MEDIA, _IMAGES = "tests/bad_inputs/test_media.py", "tests/worker/media/still/test_images.py"
_DOORS = tuple(
    f"tests/bad_inputs/test_doors.py::{name}"
    for name in (
        "test_pyav_is_held_by_each_option_alone",
        "test_ffmpeg_is_held_by_each_option_alone",
        "test_ffmpeg_is_held_by_the_kernel_alone",
        "test_no_command_opens_a_file_without_its_doors",
    )
)
_TEXT_AS_MEDIA = f"{_MEDIA}::test_b25_b26_b27_text_that_names_other_media_is_no_media"
_CAPTION, _READING = "tests/worker/operations/test_caption.py", "tests/worker/media/captions/test_reading.py"
_PUT = "tests/orchestrator/uploads/test_one_put.py"
_WEBHOOK = "tests/orchestrator/webhooks/test_address.py"

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "B1": ("other schemes than http and https", _BY_ADDRESS),
    "B2": ("loopback in every spelling", _BY_ADDRESS),
    "B3": ("the clouds' metadata servers", _BY_ADDRESS),
    "B4": (
        "private addresses disguised as IPv6",
        (*_BY_ADDRESS, f"{_ADDRESSES}::test_guard_stops_every_address_of_the_table_in_the_connect_step"),
    ),
    "B5": ("user names and backslashes before the host", _BY_ADDRESS),
    "B6": ("NUL, tab, newline", _BY_ADDRESS),
    "B7": ("ports of other services", _BY_ADDRESS),
    "B8": ("too long, empty, no text", (*_BY_ADDRESS, f"{_ADDRESSES}::test_what_is_no_text_is_no_address")),
    "B9": ("a name with a public and a private address", (f"{_SOURCES}::test_b9_mixed_answer_is_hostile",)),
    "B10": (
        "a name that moves between two look-ups",
        (f"{_SOURCES}::test_b10_rebinding_name_is_looked_up_once_and_reached_only_there",),
    ),
    "B11": (
        "redirects inside, to files, down from https",
        (
            f"{_SOURCES}::test_b11_redirect_inside_is_not_followed",
            f"{_SOURCES}::test_b11_redirect_from_https_to_http_is_refused",
        ),
    ),
    "B12": (
        "redirects without end or aim",
        (f"{_SOURCES}::test_b12_redirect_without_end_or_aim_is_given_up",),
    ),
    "B13": (
        "webhooks to addresses inside, or to ourselves",
        ("tests/bad_inputs/test_webhooks.py::test_b13_webhook_to_such_an_address_is_refused",),
    ),
    "B14": (
        "a webhook's name that turns private",
        (
            f"{_WEBHOOK}::test_a_name_that_leads_inside_is_refused_at_every_try_and_seen_in_the_log",
            f"{_WEBHOOK}::test_a_name_that_moves_inside_between_two_tries_is_refused_at_the_second",
        ),
    ),
    "B15": ("an announced 50 GB", (f"{_FETCH}::test_announced_size_is_refused_before_the_body",)),
    "B16": (
        "a body without end, or longer than announced",
        (
            f"{_FETCH}::test_endless_body_is_cut_at_the_cap",
            f"{_FETCH}::test_download_that_fails_half_way_leaves_nothing",
        ),
    ),
    "B17": ("a byte now and then", (f"{_FETCH}::test_drip_is_stopped_at_the_deadline",)),
    "B18": ("a compressed bomb", (f"{_FETCH}::test_compressed_bomb_is_never_inflated",)),
    "B19": (
        "a page instead of a picture, an empty one, half of one",
        (f"{_SOURCES}::test_b19_answer_that_is_no_picture_is_said_so",),
    ),
    "B20": (
        "a picture that claims more pixels than there are bytes",
        (
            f"{_IMAGES}::test_a_picture_that_claims_too_much_is_refused",
            f"{_IMAGES}::test_refusing_takes_no_memory_for_pixels",
        ),
    ),
    "B21": (
        "a picture whose texts unpack to a flood, or that has a hundred thousand chunks",
        (
            f"{_IMAGES}::test_text_that_unpacks_to_a_flood_is_refused",
            f"{_IMAGES}::test_a_hundred_thousand_chunks_are_passed_over_quickly",
        ),
    ),
    "B22": ("an endless animation", (f"{_IMAGES}::test_an_animation_of_too_many_frames_is_refused",)),
    "B23": (
        "documents and pictures of other kinds",
        (f"{_IMAGES}::test_what_is_no_picture_of_ours_is_media_format", _TEXT_AS_MEDIA),
    ),
    "B24": (
        "odd but good pictures, and cut ones",
        (
            f"{_IMAGES}::test_a_file_cut_short_is_media_corrupt",
            f"{_IMAGES}::test_other_colour_modes_come_as_rgb",
            f"{_IMAGES}::test_exif_orientation_is_honoured",
        ),
    ),
    "B25": ("playlists", (_TEXT_AS_MEDIA, *_DOORS)),
    "B26": ("lists for concatenation", (_TEXT_AS_MEDIA, *_DOORS)),
    "B27": (
        "other texts that name media, and such a text as an AVI's subtitles",
        (_TEXT_AS_MEDIA, f"{_MEDIA}::test_b27_what_an_avi_holds_as_its_subtitles_is_not_opened"),
    ),
    "B28": (
        "frames that are too large, or become so",
        (
            "tests/worker/media/test_source.py::test_what_is_beyond_the_limits_is_refused",
            f"{_MEDIA}::test_b28_pictures_that_become_8k_in_the_middle_are_not_decoded",
            f"{_MEDIA}::test_b28_frames_that_become_8k_take_no_memory",
            f"{_MEDIA}::test_b28_a_frame_of_12000_by_12000_is_refused_before_it_is_decoded",
        ),
    ),
    "B29": (
        "endless, too quick, too many, none, before zero",
        (
            "tests/worker/media/test_source.py::test_what_is_beyond_the_limits_is_refused",
            f"{_MEDIA}::test_b29_a_hundred_hours_are_refused",
            f"{_MEDIA}::test_b29_b37_what_a_head_claims_is_held_to_limits",
            f"{_MEDIA}::test_b29_what_begins_long_before_zero_is_refused",
            f"{_MEDIA}::test_b29_what_begins_after_weeks_is_refused",
        ),
    ),
    "B30": (
        "samples in other files, attachments",
        (
            f"{_MEDIA}::test_b30_samples_in_another_file_are_not_fetched",
            f"{_MEDIA}::test_b30_attachments_stay_where_they_are",
        ),
    ),
    "B31": ("a bomb of 7 kB", (f"{_CAPTION}::test_hostile_scripts_are_drawn_as_their_bare_text",)),
    "B32": (
        "five megabytes in a line, twenty thousand at once",
        (
            "tests/shared/captions/test_syntax.py::test_too_much_is_refused_at_once",
            f"{_CAPTION}::test_bad_subtitles_end_the_item_before_ffmpeg_is_started",
        ),
    ),
    "B33": (
        "fonts and drawings inside",
        (
            f"{_READING}::test_drawings_and_embedded_fonts_are_removed",
            f"{_CAPTION}::test_hostile_scripts_are_drawn_as_their_bare_text",
        ),
    ),
    "B34": (
        "odd encodings, steering characters, impossible times",
        (
            f"{_READING}::test_the_encoding_is_found_by_rule",
            f"{_READING}::test_characters_that_steer_are_removed_and_counted",
            "tests/shared/captions/test_syntax.py::test_what_is_wrong_is_said_with_its_place",
        ),
    ),
    "B35": (
        "text that would be obeyed",
        (
            "tests/worker/media/captions/test_drawing.py::test_no_text_is_obeyed",
            f"{_CAPTION}::test_no_other_file_gets_into_the_picture",
        ),
    ),
    "B36": ("names that are paths", (f"{_PUT}::test_nothing_of_the_users_is_in_the_address_or_the_key",)),
    "B37": (
        "sound that claims too much",
        (
            f"{_MEDIA}::test_b29_b37_what_a_head_claims_is_held_to_limits",
            f"{_MEDIA}::test_b37_sound_is_measured_and_not_believed",
        ),
    ),
    "B38": (
        "options that are no numbers, or none of ours",
        (
            "tests/orchestrator/api/door/test_bad_requests.py::test_a_job_that_does_not_fit_is_pointed_at",
            "tests/orchestrator/api/door/test_bad_requests.py::test_what_is_not_strict_json_is_refused",
        ),
    ),
    "B39": ("links that were touched", (f"{_LINKS}::test_a_link_that_was_touched_is_refused",)),
    "B40": (
        "links past their time, or with another one",
        (
            f"{_LINKS}::test_a_link_lives_until_its_jobs_outputs_expire",
            "tests/bad_inputs/test_links.py::test_b40_time_that_was_changed_in_an_address_is_refused",
        ),
    ),
    "B41": (
        "a signature twice, or encoded twice",
        (
            f"{_LINKS}::test_a_link_that_was_touched_is_refused",
            "tests/bad_inputs/test_links.py::test_b41_signature_repeated_in_the_path_opens_nothing",
        ),
    ),
    "B42": (
        "paths that lead out of the storage",
        (
            f"{_LINKS}::test_another_name_under_a_good_token_is_not_found",
            f"{_LINKS}::test_a_symlink_in_the_storage_is_not_followed",
            "tests/orchestrator/storage/test_disk.py::test_what_is_no_key_reaches_nothing",
            "tests/bad_inputs/test_links.py::test_b42_neighbour_with_the_same_beginning_is_not_reached",
        ),
    ),
    "B43": (
        "ranges without number, outside, unreadable, without end",
        (
            f"{_LINKS}::test_one_range_is_honoured_and_odd_ones_are_ignored",
            f"{_LINKS}::test_a_range_outside_the_file_is_refused",
            "tests/orchestrator/api/door/test_connection.py::test_a_head_that_is_too_large_is_refused",
        ),
    ),
    "B44": ("a file that is a page with a script", (f"{_LINKS}::test_a_file_can_not_act_as_a_page_of_ours",)),
    "B45": (
        "an upload that can't be: its size, its type, a name that is a path",
        (
            f"{_PUT}::test_a_bad_request_is_refused_with_a_pointer",
            f"{_PUT}::test_nothing_of_the_users_is_in_the_address_or_the_key",
        ),
    ),
    "B46": (
        "another length or type than was signed, or too late",
        (f"{_PUT}::test_other_lengths_and_types_and_late_ones_are_refused_by_the_address",),
    ),
    "B47": (
        "a completion without the file, of another file, of another type",
        (
            f"{_PUT}::test_other_lengths_and_types_and_late_ones_are_refused_by_the_address",
            f"{_PUT}::test_an_etag_that_was_not_told_is_refused",
            f"{_PUT}::test_a_file_that_is_not_what_it_was_said_to_be_is_rejected_for_good",
            f"{_COMPLETING}::test_a_file_that_is_replaced_while_it_is_completed_is_not_taken",
        ),
    ),
    "B48": (
        "an upload of somebody else's, that has expired, or is gone",
        ("tests/orchestrator/uploads/test_as_input.py::test_a_job_is_told_why_it_cannot_have_an_upload",),
    ),
}


def test_every_case_has_its_place() -> None:
    assert [*CASES] == [f"B{n}" for n in range(1, 49)]


@pytest.mark.parametrize("case", CASES)
def test_case_is_tested_where_the_index_says(case: str) -> None:
    _, tests = CASES[case]
    for place in tests:
        path, _, name = place.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
