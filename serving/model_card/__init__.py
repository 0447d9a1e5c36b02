"""Model cards of releases: what a person should know of a model before it answers anybody.

`card` holds what is told; `of_release` gathers it; `card_markdown` (with `front_matter`) and
`card_page` write it, and judge nothing; `card_files` puts it beside the release. Nothing here knows
who trains, pushes or rolls out.
"""
