import { spansOf, type Chart } from './sample.ts';

/** The chart's lanes as data: per lane the spans `[from ms, to ms, value]`. */
export function toJson(chart: Chart): string {
  const lane = <T>(pick: Parameters<typeof spansOf<T>>[1]): [number, number, T][] => spansOf(chart, pick).map(({ fromMs, toMs, value }) => [fromMs, toMs, value]);
  const lanes = {
    app: lane(({ app }) => app), screen: lane(({ screen }) => screen), engine: lane(({ lease }) => lease),
    transfers: lane(({ transfers }) => transfers), progress: lane(({ progress }) => progress), rule: lane(({ rule }) => rule),
  };
  const entries = Object.entries(lanes).map(([name, spans]) => `    ${JSON.stringify(name)}: [\n${spans.map((span) => `      ${JSON.stringify(span)}`).join(',\n')}\n    ]`);
  return `{\n  "title": ${JSON.stringify(chart.title)},\n  "endMs": ${chart.endMs},\n  "lanes": {\n${entries.join(',\n')}\n  }\n}\n`;
}
