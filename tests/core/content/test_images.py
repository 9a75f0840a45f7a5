import re
from datetime import UTC, datetime

import pytest

from core import campaigns, config, crypto, db
from core.campaigns import preflight
from core.campaigns.content import content
from core.content import images, mail, picture, templates
from core.delivery import senders
from core.delivery.sandbox import announce
from core.errors import NotFound, RuleError
from core.models import Campaign, Image
from tests import rows
from tests.conftest import Stack
from tests.core.content.parsed import body, parse
from tests.core.content.parsed import content as _content
from tests.core.content.test_picture import drawn

SMALL = picture.read(drawn("PNG", (40, 20)))


def kept(user_id: int, name: str = "sea.png", made: picture.Picture = SMALL) -> Image:
    with db.session() as session:
        return images.add(session, user_id, made, name)


@pytest.fixture
def alice(stack: Stack) -> int:
    with db.session() as session:
        return rows.user(session)


@pytest.fixture
def charlie(alice: int) -> int:
    with db.session() as session:
        return rows.user(session, "charlie@example.com")


def test_an_image_is_kept_in_the_database_once_and_listed_newest_first(alice: int) -> None:
    first = kept(alice)
    second = kept(alice, "a/b\\c\n.jpg", picture.read(drawn("JPEG", (30, 20))))
    assert kept(alice, "again.png").id == first.id
    with db.reading() as session:
        assert [(each.id, each.name) for each in images.list_all(session, alice)] == [
            (second.id, "a b c .jpg"),
            (first.id, "sea.png"),
        ]
        assert images.data(session, first.id or 0) == SMALL.data


def test_its_address_cannot_be_guessed_and_names_only_it(alice: int) -> None:
    image = kept(alice)
    found = re.fullmatch(r"/i/([A-Za-z0-9_-]{32})\.png", images.path(image))
    assert found and images.number(found[1]) == image.id
    assert images.number("A" * 32) is None and images.number(crypto.sign("open", image.id or 0)) is None


def test_a_stranger_sees_changes_and_deletes_nothing(alice: int, charlie: int) -> None:
    image_id = kept(alice).id or 0
    with db.session() as session:
        assert images.list_all(session, charlie) == []
        for act in (images.get, images.delete, images.uses):
            with pytest.raises(NotFound):
                act(session, charlie, image_id)
        with pytest.raises(NotFound):
            images.set_alt(session, charlie, image_id, "mine")
        assert images.get(session, alice, image_id).alt == ""
    assert kept(charlie).id != image_id  # the same picture is kept for each of them


def test_one_user_cannot_fill_the_disk(alice: int, charlie: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(alice)
    monkeypatch.setattr(images, "MOST_SIZE", len(SMALL.data) + 10)
    with pytest.raises(RuleError, match="Delete some first"):
        kept(alice, "two.jpg", picture.read(drawn("JPEG", (30, 20))))
    kept(charlie)


def test_a_picture_that_is_there_already_needs_no_room(alice: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kept(alice)
    monkeypatch.setattr(images, "MOST_SIZE", len(SMALL.data) + 10)
    assert kept(alice, "again.png").id == first.id


def test_where_an_image_is_used_is_known_before_it_is_deleted(alice: int, charlie: int) -> None:
    image = kept(alice)
    shown = f'<p><img src="{images.path(image)}"></p>'
    with db.session() as session:
        rows.campaign(session, alice, name="November", body=shown)
        rows.campaign(session, alice, name="", subject="No name", body=shown)
        rows.campaign(session, charlie, name="Not hers", body=shown)
        rows.campaign(session, alice, name="Without", body="<p>/i/</p>")
        templates.create(session, alice, "Monthly", body=shown)
        uses = images.uses(session, alice, image.id or 0)
        assert (uses.campaigns, uses.templates) == (["No name", "November"], ["Monthly"])
        images.delete(session, alice, image.id or 0)
        assert images.data(session, image.id or 0) is None
    kept(alice)  # and it may come back


@pytest.mark.parametrize("kind", ["rich", "html", "markdown"])
def test_readers_get_the_whole_address_and_the_draft_keeps_the_short_one(alice: int, kind: str) -> None:
    path = images.path(kept(alice))
    written = {
        "rich": f'<p><img src="{path}" alt="Sea"> {{{{ unsubscribe_url }}}}</p>',
        "html": f"<img alt=Sea src={path}><td background='{path}'><p style=\"background:url({path})\">{path}</p>",
        "markdown": f"![Sea]({path}){{width=300}}\n",
    }[kind]
    config.use(config.load({"BASE_URL": "https://mail.example.com/", "SECRET_KEY": config.settings.secret_key}))
    with db.session() as session:
        sender = rows.sender(session, alice)
        campaign_id = rows.campaign(session, alice, sender_id=sender.id, body=written, body_kind=kind)
        campaign = session.get_one(Campaign, campaign_id)
        compiled = mail.compile_mail(content(session, campaign))
    raw = compiled.render(mail.Recipient(1, "a@b.example", {}), datetime(2026, 11, 25, tzinfo=UTC))
    got = body(parse(raw), "html")
    sources = re.findall(r"(?:src=\"?|background='|url\()(/?[^\s\"'>)]+)", got)
    assert [each for each in sources if "/t/o/" not in each] == [f"https://mail.example.com{path}"] * (
        3 if kind == "html" else 1
    )
    assert "Sea" in body(parse(raw), "plain") and campaign.body == written


def test_a_sandbox_mail_shows_images_also_without_base_url(alice: int) -> None:
    path = images.path(kept(alice))
    with db.session() as session:
        announce(session, "http://127.0.0.1:8080")
        sandbox = senders.add_sandbox(session, alice)
        made = campaigns.create(session, alice)
        made.sender_id, made.body = sandbox.id, f'<img src="{path}">'
        assert f'src="http://127.0.0.1:8080{path}"' in content(session, made).body
        made.sender_id = rows.sender(session, alice).id
        assert f'src="{path}"' in content(session, made).body


@pytest.mark.parametrize(
    ("base_url", "address", "said"),
    [
        ("", "", "error: Readers will not see your images: BASE_URL is not set"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "warning: Your images come from 127.0.0.1"),
        ("https://mail.example.com", "https://mail.example.com", ""),
        ("", "http://127.0.0.1:8080", ""),  # the sandbox
    ],
)
def test_preflight_says_whether_readers_reach_our_images(
    sqlite_stack: Stack, base_url: str, address: str, said: str
) -> None:
    config.use(config.load({"BASE_URL": base_url, "SECRET_KEY": config.settings.secret_key}))
    path = f"/i/{crypto.sign('image', 1)}.png"
    found = preflight.content(_content(body=f'<p>{"words " * 30}<img src="{address}{path}" alt="Sea" width="300"></p>'))
    told = [f"{each.level}: {each.text}" for each in found if "images" in each.text and "none" not in each.text]
    assert [each[: len(said)] for each in told] == ([said] if said else [])
