import { median } from "./statistics.ts";

/** What was measured in one round: a line of JSON for machines. */
export interface Row {
  suite: string;
  /** What was done, such as `call x16`. */
  case: string;
  /** Through what, such as `nginx`. */
  target: string;
  round: number;
  values: Readonly<Record<string, number>>;
}

/** Picks rows; a `case` may be given by its beginning or end. */
export interface Selection {
  suite: string;
  case: string;
  target: string;
  value: string;
}

/** The median of a figure over all rounds; NaN where it was not measured. */
export function medianOf(rows: readonly Row[], { suite, case: name, target, value }: Selection): number {
  const found = rows.filter((row) => row.suite === suite && row.case === name && row.target === target);
  return median(found.map(({ values }) => values[value] ?? NaN));
}

/**
 * The median of the ratios of each round: both sides of a ratio were measured within seconds of each other, so a machine
 * that gets slower in between hurts neither. NaN where one of them was not measured.
 */
export function medianRatio(rows: readonly Row[], selection: Selection, against: string): number {
  const { suite, case: name, value } = selection;
  const ofCase = rows.filter((row) => row.suite === suite && row.case === name);
  const ratios = ofCase
    .filter(({ target }) => target === selection.target)
    .map(({ round, values }) => {
      const other = ofCase.find((row) => row.round === round && row.target === against);
      return (values[value] ?? NaN) / (other?.values[value] ?? NaN);
    });
  return median(ratios);
}
