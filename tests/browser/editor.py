"""Typing in the rich-text editor, which puts its cursor a moment after it gets the focus."""

IS_AT_END = """() => {
    const cursor = getSelection(), root = document.activeElement;
    if (!cursor.rangeCount || !root.isContentEditable || !root.contains(cursor.focusNode)) return false;
    const rest = document.createRange();
    rest.selectNodeContents(root);
    rest.setStart(cursor.focusNode, cursor.focusOffset);
    return rest.toString().trim() === "";
}"""


def write_at_end(page, words: str) -> None:
    """Type at the end of the editor that has the focus, once its cursor stays there."""
    for _ in range(20):
        page.keyboard.press("Control+End")
        page.wait_for_timeout(100)
        if page.evaluate(IS_AT_END):
            break
    else:
        raise AssertionError("The cursor does not come to the end of the text.")
    page.keyboard.type(words)
