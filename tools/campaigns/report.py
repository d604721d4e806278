"""What a campaign leaves behind: build/campaign/LAYER-SEED.txt, or .json."""

import json


def facts(layer, count, seed, command, campaign, interrupted):
    return {
        "command": command,
        "layer": layer.name,
        "does": layer.does,
        "compares": layer.compares,
        "count": count,
        "unit": layer.unit,
        "seed": seed,
        "duration_seconds": round(campaign.seconds(), 1),
        "fired": dict(sorted(campaign.fired.items())),
        "figures": campaign.figures,
        "violations": campaign.violations,
        "false_refusals": campaign.false_refusals,
        "not_run_here": campaign.skipped,
        "interrupted": interrupted,
        "runs": [running.command for running in campaign.ended + campaign.active],
    }


def as_text(told):
    lines = [told["command"], ""]
    lines += [f"layer           {told['layer']}: {told['does']}",
              f"compared        {told['compares']}",
              f"count           {told['count']} {told['unit']}",
              f"seed            {told['seed']}",
              f"duration        {told['duration_seconds']} s"
              + (", interrupted" if told["interrupted"] else ""),
              f"violations      {len(told['violations'])}",
              f"false refusals  {len(told['false_refusals'])}"]
    for title, items in (("violations", told["violations"]),
                         ("false refusals", told["false_refusals"]),
                         ("not run here", told["not_run_here"]),
                         ("figures", told["figures"]), ("runs", told["runs"])):
        if items:
            lines += ["", title, *(f"  {item}" for item in items)]
    if told["fired"]:
        lines += ["", "what came up"]
        lines += [f"  {times:>12}  {name}" for name, times in told["fired"].items()]
    return "\n".join(lines) + "\n"


def write(told, path, is_json):
    text = json.dumps(told, indent=2) + "\n" if is_json else as_text(told)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
