"""The least bill with the whole month known ahead, by linear programming: a yardstick.

Solved by HiGHS, month by month, from a full battery to a full battery; in mode peak energy costs
nothing, and this is the lowest peak. It shares no code with hil/optimum.py, which must agree.
"""

from collections.abc import Sequence
from typing import Any

from boards.parts import Part
from hil.baseline import HOURS, BaselineError, Park, Wish
from hil.optimum import Battery, Tariff

NEEDS = Part("highspy", "dev", "The solver HiGHS.")
AHEAD = "the whole month exactly"


def control(park: Park) -> Wish:
    """Play the solution; raises PartError without a solver."""
    plan: list[float] = []
    for month in park.months:
        span = slice(month.first, month.end)
        tariff = Tariff(park.tariff.prices[span], park.tariff.demand_price)
        plan += solve(park.load_kw[span], park.battery, tariff)[1]
    return lambda at, store_kwh, peak_kw: plan[at]


def solve(load_kw: Sequence[float], battery: Battery, tariff: Tariff) -> tuple[float, list[float]]:
    """The least bill of these quarter-hours and the battery's power in each, kW.

    Each has four columns: import, charge and discharge, kW, and what is in store at its end, kWh;
    the last column is the peak, kW. Raises BaselineError.
    """
    highs = NEEDS.load()
    count, inf = len(load_kw), highs.kHighsInf
    full = battery.store_kwh
    model = highs.Highs.__base__()  # the binding: what wraps it prints before it can be told not to
    model.setOptionValue("output_flag", False)
    lp = highs.HighsLp()
    peak = 4 * count
    lp.num_col_, lp.num_row_ = peak + 1, 3 * count
    lp.col_cost_ = [x for price in tariff.prices for x in (price * HOURS, 0.0, 0.0, 0.0)] \
        + [tariff.demand_price]
    lp.col_lower_ = [*([0.0] * (peak - 1)), full, 0.0]  # the end must be full
    lp.col_upper_ = [inf, battery.power_kw, battery.power_kw, full] * count + [inf]
    starts, columns = [0], list[int]()
    values, low, high = list[float](), list[float](), list[float]()

    def row(at_least: float, at_most: float, *entries: tuple[int, float]) -> None:
        low.append(at_least)
        high.append(at_most)
        columns.extend(column for column, _ in entries)
        values.extend(value for _, value in entries)
        starts.append(len(columns))

    for at, load in enumerate(load_kw):
        bought, charge, discharge, store = range(4 * at, 4 * at + 4)
        row(load, inf, (bought, 1.0), (charge, -1.0), (discharge, 1.0))  # a surplus may be exported
        row(0.0, inf, (bought, -1.0), (peak, 1.0))
        before = ((store - 4, -1.0),) if at else ()
        start = 0.0 if at else full
        row(start, start, *before, (store, 1.0), (charge, -battery.way * HOURS),
            (discharge, HOURS / battery.way))
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highs.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, columns, values
    model.passModel(lp)
    model.run()
    status = model.getModelStatus()
    if status != highs.HighsModelStatus.kOptimal:
        raise BaselineError(f"lp: the solver ended with: {model.modelStatusToString(status)}")
    x: Any = model.getSolution().col_value
    return (model.getInfo().objective_function_value,
            [x[4 * at + 2] - x[4 * at + 1] for at in range(count)])
