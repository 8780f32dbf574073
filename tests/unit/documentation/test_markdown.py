"""The functions that render pieces of Markdown."""

from documentation.markdown import paragraph, section, table


def test_a_pipe_in_text_is_escaped_and_one_in_code_is_not() -> None:
    assert table(("a", "b"), [("x | y", "`x|y`")]).splitlines()[-1] == r"| x \| y | `x|y` |"


def test_a_line_break_in_a_cell_becomes_a_space() -> None:
    assert table(("a",), [("one\n  two",)]).splitlines()[-1] == "| one two |"


def test_a_table_without_rows_is_left_out() -> None:
    assert table(("a", "b"), []) == ""


def test_a_docstring_keeps_its_paragraphs_and_loses_its_line_breaks() -> None:
    assert paragraph("One\nsentence.\n\nAnother\n    one.") == "One sentence.\n\nAnother one."


def test_a_section_leaves_out_empty_parts() -> None:
    assert section(2, "Title", "", "Text.", "\n", anchor="here") == "## Title { #here }\n\nText.\n"
