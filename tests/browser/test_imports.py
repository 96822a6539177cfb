"""A finance officer brings a file into the books and to readers, without scripts, and takes it back; axe looks on."""

from tests.browser.test_release import problems_of
from tests.signing_in import be_signed_in

FIRST = "Reference,Donor,Donor type,Date,Operation,Amount USD\nR1,Norway,,2021-11-24,PER,1000\nR2,Japan,,2021-11-25,PER,2000\n"
SECOND = (
    "Gifts of the month\n"
    "Reference;Donor;Donor type;When;Operation;Amount USD\n"
    "R1;Norway;;24/11/2021;PER;1.500,50\n"
    "R3;Norwai;;03/11/2021;Peruu;5,5\n"
    "R4;Ruritania;government;03/11/2021;PER;7\n"
    "Made by the finance section;;;;;\n"
)


def upload(page, name, text):
    page.goto("/admin/contributions/contribution/import/")
    page.get_by_label("File to import").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Show the preview").click()


def counted(page):
    return " ".join(page.locator(".import-sum").first.inner_text().split())


def test_a_file_is_uploaded_explained_decided_confirmed_released_and_undone(demo, new_page):
    page = new_page(viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    looker, found = new_page(), {}
    be_signed_in(page, "finance")
    be_signed_in(looker, "finance")

    def look(name, narrow=360):
        looker.goto(page.url)
        looker.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        if problems := problems_of(looker, narrow):
            found[name] = problems

    # A plain file: uploaded, confirmed, and seen by readers at once.
    upload(page, "first.csv", FIRST)
    assert counted(page) == "rows read 2 new = 2 replaced + 0 unchanged + 0 in error + 0 left out + 0"
    page.get_by_label("At once").check()
    page.get_by_role("button", name="Confirm the import").click()
    assert page.locator(".messagelist").inner_text().strip() == "Imported 2 lines."

    # A file that has to be explained.
    upload(page, "second.csv", SECOND)
    assert "No column is known as “date”." in page.inner_text("#content")
    look("questions")
    page.get_by_label("When", exact=True).select_option("date")
    page.get_by_label("Leave them out").check()
    page.get_by_label("Keep these choices as source").fill("Old books")
    page.get_by_role("button", name="Read the file").click()
    assert "Kept as the source “Old books”." in page.inner_text(".messagelist")

    # Unknown names are said, a replacement is decided.
    look("unknown names and errors")
    donors = page.get_by_role("region", name="Unknown donors")
    donors.get_by_role("group", name="Norwai").get_by_label("Norway", exact=True).check()
    donors.get_by_role("group", name="Ruritania").get_by_label("new:").check()
    page.get_by_role("group", name="Peruu").get_by_label("Peru", exact=True).check()
    page.get_by_role("button", name="Apply and read again").click()
    assert counted(page) == "rows read 4 new = 2 replaced + 1 unchanged + 0 in error + 0 left out + 1"
    assert page.get_by_role("button", name="Confirm the import").is_disabled()
    page.get_by_role("group", name="Line 3").get_by_label("replace it").check()
    page.get_by_role("button", name="Keep these decisions").click()
    page.get_by_label("Not yet").check()
    page.get_by_role("button", name="Confirm the import").click()
    assert "Readers do not see it." in page.inner_text("#content")
    look("imported")
    visitor = new_page(java_script_enabled=False)

    def visitors_see_it() -> bool:
        visitor.goto("/contributions/")
        return "Ruritania" in visitor.inner_text("main")

    assert not visitors_see_it()

    # Released, looked at, undone.
    page.get_by_label("At once").check()
    page.get_by_role("button", name="Release", exact=True).click()
    assert "Readers see it." in page.inner_text("#content")
    assert visitors_see_it()
    assert "Ruritania" in page.get_by_role("region", name="The first lines of this import").inner_text()
    page.get_by_role("link", name="All lines that it touched").click()
    assert "1,000.00 → 1,500.50" in page.inner_text("#content").replace("\n", " ")
    page.go_back()
    page.locator("summary", has_text="Choose one").click()
    page.get_by_role("link", name="first.csv").last.click()
    assert "Compared with first.csv" in page.inner_text("#content")
    look("comparison")
    page.get_by_role("link", name="second.csv").first.click()
    page.get_by_role("link", name="Undo this import").click()
    look("undo")
    page.get_by_label("Why it is undone").fill("It was the wrong month.")
    page.get_by_role("button", name="Undo the import").click()
    assert "It was the wrong month." in page.inner_text("#content")
    assert not visitors_see_it()
    page.get_by_role("link", name="Imports", exact=True).click()
    table = page.locator("#result_list").inner_text()
    assert "undone" in table and "readers see it" in table
    assert found == {}
