-- Did the new version help, and how sure is that?
-- From `atLeast` to `atMost` the difference lies, however often one looks; `smallestEffect` says
-- what such a sample can show. Where `splitFits` is false, nothing can be said.
SELECT
  experiment,
  variant,
  metric,
  viewers,
  mean,
  difference,
  anytimeLowerBound AS atLeast,
  anytimeUpperBound AS atMost,
  adjustedPValue,
  isDifferent,
  smallestEffect,
  splitFits
FROM experiment_results
WHERE NOT isControl
ORDER BY experiment, variant, metric
