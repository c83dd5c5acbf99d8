"""How a page looks, measured in the browser: what is cut off, and what cannot be read."""

from __future__ import annotations

from playwright.async_api import Page

LEAST_CONTRAST = 4.5
"""Of text against its ground (WCAG 2.2, success criterion 1.4.3)."""
TRIES = 50

_CUT_OFF = """
(width) => [...document.querySelectorAll('button, a, [role=tab], .q-badge')]
    .filter(each => each.checkVisibility() && each.getBoundingClientRect().width > 0)
    .map(each => [each.innerText.trim(), each.getBoundingClientRect()])
    .filter(([, box]) => box.left < -1 || box.right > width + 1)
    .map(([text, box]) => `${text}: ${box.left} to ${box.right}`)
"""

_UNREADABLE = """
([selector, least]) => {
    const context = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
        .getContext('2d', {willReadFrequently: true});
    const rgba = color => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => top.slice(0, 3)
        .map((value, at) => value * top[3] + below[at] * (1 - top[3])).concat(1);
    const luminance = color => {
        const [r, g, b] = color.slice(0, 3).map(each => each / 255)
            .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const grounds = element => {
        const found = [];
        for (let each = element; each; each = each.parentElement)
            found.push(rgba(getComputedStyle(each).backgroundColor));
        return found.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
    };
    const opacity = element => {
        let product = 1;
        for (let each = element; each; each = each.parentElement)
            product *= Number(getComputedStyle(each).opacity);
        return product;
    };
    return [...document.querySelectorAll(selector)]
        .filter(each => each.checkVisibility() && each.innerText.trim() && !each.disabled)
        .map(each => {
            const ground = grounds(each), ink = rgba(getComputedStyle(each).color);
            ink[3] *= opacity(each);
            const [dark, light] = [luminance(ground), luminance(over(ink, ground))]
                .sort((a, b) => a - b);
            return [each.innerText.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)];
        })
        .filter(([, contrast]) => contrast < least)
        .map(([text, contrast]) => `${text}: ${contrast.toFixed(2)}`);
}
"""


async def stays_within(page: Page, width: int) -> None:
    """Hold a page to a screen's width: it does not scroll sideways, and no button is cut off."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await _comes_to_nothing(page, _CUT_OFF, width)


async def is_readable(page: Page, selector: str) -> None:
    """Hold what matches the selector to the least contrast of text."""
    assert await page.locator(selector).count()
    await _comes_to_nothing(page, _UNREADABLE, [selector, LEAST_CONTRAST])


async def _comes_to_nothing(page: Page, script: str, asked: object) -> None:
    """Wait until a script finds nothing wrong: what has just come may slide or fade in yet."""
    wrong: list[str] = []
    for _ in range(TRIES):
        wrong = await page.evaluate(script, asked)
        if not wrong:
            return
        await page.wait_for_timeout(100)
    raise AssertionError("; ".join(wrong))
