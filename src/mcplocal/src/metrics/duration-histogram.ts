import { Histogram, type MetricObjectWithValues, type MetricValueWithName, type Registry } from "prom-client";

const BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60] as const;

interface DurationHistogramOptions {
  name: string;
  help: string;
  labelName: string;
}

interface Series {
  /** Observations per bucket, not cumulated; the last is for what is longer than all. */
  counts: number[];
  sum: number;
}

/**
 * A histogram of seconds with one label. Every call passes through two of them, so recording is two array accesses
 * where the library's own sorts and hashes labels; it is put into the library's form at a scrape.
 */
export class DurationHistogram extends Histogram {
  readonly #options: DurationHistogramOptions;
  readonly #series = new Map<string, Series>();

  constructor(registry: Registry, options: DurationHistogramOptions) {
    const { name, help, labelName } = options;
    super({ name, help, labelNames: [labelName], buckets: [...BUCKETS], registers: [registry] });
    this.#options = options;
  }

  record(label: string, seconds: number): void {
    const series = this.#series.get(label) ?? this.#addSeries(label);
    let bucket = 0;
    while (seconds > (BUCKETS[bucket] ?? Infinity)) bucket += 1;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += seconds;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const values = [...this.#series].flatMap(([label, series]) => this.#toValues(label, series));
    return { ...(await super.get()), values };
  }

  #addSeries(label: string): Series {
    const series = { counts: Array<number>(BUCKETS.length + 1).fill(0), sum: 0 };
    this.#series.set(label, series);
    return series;
  }

  #toValues(label: string, { counts, sum }: Series): MetricValueWithName<string>[] {
    const { name, labelName } = this.#options;
    let count = 0;
    const buckets = [...BUCKETS, "+Inf"].map((le, index) => {
      count += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { [labelName]: label, le }, value: count };
    });
    const labels = { [labelName]: label };
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
