"""What a valid site is, told back: for people to compare with the plant, for machines as JSON."""

from typing import Any

from boards import clouds, ledger, polling, storage, tariff_words
from boards.image import compile_site, encode
from boards.profile_can import CanProfile, setup
from boards.site import Checked, Site
from boards.site_devices import Device, commanded
from boards.site_fields import with_unit
from boards.site_tables import rules
from boards.why_words import energy, power
from edge.config import SWITCHES


def summary(checked: Checked) -> dict[str, Any]:
    """Everything `check` knows."""
    said: dict[str, Any] = {"errors": list(checked.errors), "warnings": list(checked.warnings)}
    return said if checked.site is None else said | _valid(checked.site)


def _valid(site: Site) -> dict[str, Any]:
    image = compile_site(site)
    battery, tariff = site.sections["battery"], site.tariff
    told: dict[str, Any] = {} if not site.batteries else {
        "batteries": {name: {**site.sections[f"battery.{name}"],
                             "gate": dict(site.sections[f"gate.{name}"])}
                      for name in site.batteries}}
    if "ledger" in image:
        told["ledger"] = ledger.told(site)
    if site.media:
        told["media"] = [one.said() for one in site.media]
    if site.sections["broker"]["cloud"] != "plain":
        told["cloud"] = {**clouds.image(site), **site.sections["cloud"]}
    return told | {
        "site": site.name, "timezone": site.sections["site"]["timezone"],
        "beat_s": site.sections["site"]["beat_s"],
        "battery": {name: battery[name] for name in
                    ("capacity_wh", "charge_max_w", "discharge_max_w")},
        "buses": [_bus(site, number, image) for number in range(len(site.buses))],
        "rules": [{"name": name, "order": rules()[name].order, "meaning": rules()[name].meaning,
                   "keys": dict(keys)} for name, keys in site.rules.items()],
        "gate": dict(site.sections["gate"]),
        "tariff": {"name": tariff.name, "currency": tariff.currency,
                   "lowest_e4": min(tariff.prices_e4), "highest_e4": max(tariff.prices_e4),
                   "demand_e4": tariff.demand_e4, "source": tariff.source,
                   "structure": tariff_words.structure(tariff)},
        "carbon": dict(site.sections["carbon"]),
        "plan": {"mode": site.sections["plan"]["mode"],
                 "parts": [name for name, _ in image.get("plan", ())],
                 "cap_g": site.carbon.cap_g if site.carbon else 0},
        "shown": {name: image[name] for name in (*SWITCHES, "oneway", "iec104") if name in image},
        "unverified": {device.profile.id: list(device.profile.unverified)
                       for device in site.devices},
        "image": {"hash": image["hash"], "bytes": len(encode(image))},
        "storage": storage.told(image),
    }


def _bus(site: Site, number: int, image: dict[str, Any]) -> dict[str, Any]:
    bus = site.buses[number]
    pace = polling.model(bus.image, [device for device in image["devices"]
                                     if device["bus"] == number])
    return {
        "name": bus.name, "link": bus.image["link"], "place": bus.place,
        "baud": bus.image.get("baud"), "requests": pace.requests, "values": pace.values,
        "round_ms": round(pace.mean_ms), "round_worst_ms": round(pace.worst_ms),
        "setup": [setup(device.profile, bus.place) for device in site.devices
                  if device.bus == number and isinstance(device.profile, CanProfile)],
        "devices": [{"name": device.name, "profile": device.profile.id, "unit": device.unit,
                     "model": f"{device.profile.vendor} {device.profile.model}",
                     "poll_ms": device.poll_ms, "signals": list(device.profile.signals),
                     "setpoint": device in commanded(site.devices),
                     "falls_s": _falls_s(device),
                     "relays": device in commanded(site.devices, "coils"),
                     "limit": device in commanded(site.devices, "current")}
                    for device in site.devices if device.bus == number],
    }


def _falls_s(device: Device) -> int | None:
    """When the device is at 0 W at the latest after the gateway has died; None: nobody knows."""
    control = device.profile.control
    if control is None or not control.is_power or control.dead_man is None:
        return None
    return control.dead_man.timeout_s or None


def _takes(device: dict[str, Any]) -> str:
    falls = f", 0 W {device['falls_s']} s after the gateway died" if device["falls_s"] else ""
    return f", takes the setpoint{falls}"


def text(said: dict[str, Any]) -> str:
    """The summary of a valid site for people."""
    battery, tariff = said["battery"], said["tariff"]
    lines = [
        f"{said['site']}  beat {said['beat_s']} s, {said['timezone']}, "
        f"battery {energy(battery['capacity_wh'])}, charge {power(battery['charge_max_w'])}, "
        f"discharge {power(battery['discharge_max_w'])}",
        *(f"  battery {name}: {energy(keys['capacity_wh'])} at {keys['health_pm']} per mille, "
          f"charge {power(keys['charge_max_w'])}, discharge {power(keys['discharge_max_w'])}"
          for name, keys in said.get("batteries", {}).items()),
        "", "devices"]
    for bus in said["buses"]:
        speed = f" at {bus['baud']} baud" if bus["baud"] else ""
        lines.append(f"  {bus['name']}: {bus['link']} {bus['place']}{speed}, {bus['values']} values"
                     f" in {bus['requests']} requests, about {bus['round_ms']} ms a round "
                     f"({bus['round_worst_ms']} at worst; modelled) for a beat of "
                     f"{said['beat_s'] * 1000}")
        lines += [f"    first of all, as root: {command}" for command in bus["setup"]]
        for device in bus["devices"]:
            does = ", ".join(device["signals"]) + (
                _takes(device) if device["setpoint"] else
                ", has the relays" if device["relays"] else
                ", takes a current" if device["limit"] else "")
            lines.append(f"    {device['name']:<10} {device['model']}, unit {device['unit']}, "
                         f"every {device['poll_ms']} ms: {does}")
    lines += ["", "rules, most important first"]
    for rule in said["rules"]:
        units = {field[0]: field[1] for field in rules()[rule["name"]].fields}
        keys = ", ".join(f"{key} {with_unit(value, units[key])}"
                         for key, value in rule["keys"].items())
        lines.append(f"  {rule['order']:>3} {rule['name']:<9} {keys or rule['meaning']}")
    gates = {"gate": said["gate"]} | {f"gate {name}": keys["gate"] for name, keys in
                                      said.get("batteries", {}).items()}
    lines += [f"      {name:<9} " + ", ".join(f"{key} {value}" for key, value in gate.items())
              for name, gate in gates.items()]
    lines += ["", f"tariff  {tariff['name']}: {tariff['lowest_e4'] / 10000:.4f} .. "
              f"{tariff['highest_e4'] / 10000:.4f} {tariff['currency']} a kWh; "
              f"{tariff['structure']}; {tariff['source']}",
              f"carbon  {said['carbon']['factor'] / 1000:g} g/kWh for {said['carbon']['year']}; "
              f"{said['carbon']['source']}",
              f"image   {said['image']['hash']}, {said['image']['bytes']} bytes"]
    plan = said["plan"]
    if plan["parts"]:
        budget = f", {plan['cap_g'] / 1000:g} kg a day" if plan["cap_g"] else ""
        lines.append(f"plan    {plan['mode']}{budget}; with {', '.join(plan['parts'])}")
    if "ledger" in said:
        lines.append("ledger  " + _ledger(said["ledger"]))
    for one in said.get("media", ()):
        weight = f", a pulse is {one['weight']} {one['fine']}" if one["weight"] else ""
        lines.append(f"medium  {one['name']}: {one['medium']} in {one['unit']}, {one['use']} of "
                     f"{one['account']}, from {one['from']}{weight}")
    if "cloud" in said:
        lines.append("cloud   " + ", ".join(f"{key} {value}" for key, value in
                                            said["cloud"].items() if value != ""))
    for name, keys in said["shown"].items():
        shown = ", ".join(f"{key} {value}" for key, value in keys.items())
        lines.append(f"{name:<8}{shown}")
    lines += storage.text(said["storage"])
    facts = [f"  {profile}: {fact}" for profile, known in said["unverified"].items()
             for fact in known]
    if facts:
        lines += ["", "not verified in the profiles: check these at the device", *facts]
    return "\n".join(lines)


def _ledger(said: dict[str, Any]) -> str:
    parts = [", ".join(said["factors"]), f"a signed head every {said['head_h']} h"]
    for name, words in (("lines", "lines"), ("tenants", "tenants"),
                        ("from_powers", "no register, so counted from powers:")):
        if said[name]:
            parts.append(f"{words} {', '.join(said[name])}")
    return "; ".join(parts)
