"""How the page looks: Gradio's variables here, the rest in style.css. Fonts are the system's."""

from pathlib import Path

import gradio as gr

STYLE = Path(__file__).with_name("style.css")
KETTLE_GREEN = gr.themes.Color(
    name="kettle_green",
    c50="#eef6f2",
    c100="#d8ebe2",
    c200="#b3d7c7",
    c300="#85bda6",
    c400="#569e83",
    c500="#38836a",
    c600="#286954",
    c700="#215445",
    c800="#1c4438",
    c900="#183830",
    c950="#0b201b",
)
SLATE_GREEN = gr.themes.Color(
    name="slate_green",
    c50="#f8f9f7",
    c100="#f1f2ef",
    c200="#e3e5e0",
    c300="#cdd1cb",
    c400="#9aa39d",
    c500="#6f7a74",
    c600="#525c57",
    c700="#37403b",
    c800="#262d29",
    c900="#1c211e",
    c950="#141816",
)


def theme() -> gr.themes.Base:
    """The theme, light and dark."""
    base: gr.themes.Base = gr.themes.Base(
        primary_hue=KETTLE_GREEN,
        secondary_hue=KETTLE_GREEN,
        neutral_hue=SLATE_GREEN,
        radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    ).set(
        body_background_fill="#f7f6f2",
        body_background_fill_dark="#141816",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1c211e",
        block_border_color="#e3e0d8",
        block_border_color_dark="#2e3531",
        border_color_primary="#e3e0d8",
        border_color_primary_dark="#2e3531",
        block_shadow="none",
        color_accent_soft_dark="#1d2f28",  # a visitor's own messages
        border_color_accent_subdued_dark="#2c4a3e",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1c211e",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_width="1px",
        input_border_color_focus="*primary_500",
        button_large_text_weight="550",
        button_large_text_size="*text_md",
        button_small_text_weight="450",
        button_border_width="1px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_border_color="*primary_600",
        button_primary_border_color_dark="*primary_600",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_900",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
    )
    return base


def style() -> str:
    """style.css for the page's head: as Gradio's own `css` it would be rewritten, rule by rule."""
    return f"<style>\n{STYLE.read_text(encoding='utf-8')}\n</style>"
