"""What will come: exponential smoothing with a trend and a season (Holt 1957, Winters 1960), by the library river."""

from __future__ import annotations

from typing import Any

LEVEL, TREND, SEASON = 0.3, 0.05, 0.3  # how much the newest value weighs in each
LEVEL_ALONE, TREND_ALONE = 0.5, 0.1  # where there is no season
LEAST = 0.01  # a rate of nothing at all would make every season's share of it senseless
RUNAWAY = 2.0  # a forecast of so many times the highest rate ever seen is cut down


class Forecast:
    """Learns a rate from samples at regular times, and says what comes next. Until it has seen a whole season it goes
    by the latest samples."""

    def __init__(self, season: int = 0) -> None:
        """`season` is how many samples make one period; below 2 there is none."""
        self.season = season if season >= 2 else 0
        self.samples = 0
        self.highest = LEAST
        self.latest = 0.0  # smoothed over a few samples
        self._model: Any = None

    def learn(self, rate: float) -> None:
        """The rate was `rate` since the last sample."""
        rate = max(rate, LEAST)
        self.latest = rate if not self.samples else (self.latest + rate) / 2
        self.samples += 1
        self.highest = max(self.highest, rate)
        if self._model is None:
            self._model = self._new_model()
        try:
            self._model.learn_one(rate)
        except ZeroDivisionError:  # level and trend have cancelled each other
            self._model = self._new_model()
            self._model.learn_one(rate)

    def ahead(self, steps: int) -> list[float]:
        """The rates of the next `steps` samples."""
        if self._model is None or not self.knows_season:
            return [max(self.latest, 0.0)] * steps
        return [min(RUNAWAY * self.highest, max(0.0, rate)) for rate in self._model.forecast(steps)]

    @property
    def knows_season(self) -> bool:
        """Whether it has seen enough for a real forecast."""
        return bool(self._model is not None and self._model._initialized)

    def _new_model(self) -> Any:
        from river import time_series

        model: Any = time_series.HoltWinters
        if not self.season:
            return model(alpha=LEVEL_ALONE, beta=TREND_ALONE)
        return model(alpha=LEVEL, beta=TREND, gamma=SEASON, seasonality=self.season, multiplicative=True)
