"""When what runs, and who hears of it: schedules, conditions, sensors."""
