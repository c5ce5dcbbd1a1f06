import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The numbers of `/metrics`, in Prometheus' format. */
export class Metrics {
  readonly registry = new Registry();
  readonly requests = new Counter({ name: 'carryon_requests_total', help: 'Answers by route and status', labelNames: ['route', 'status'], registers: [this.registry] });
  readonly rows = new Counter({ name: 'carryon_feed_rows_total', help: 'Rows and removals sent in feeds', registers: [this.registry] });
  readonly changesets = new Counter({ name: 'carryon_changesets_total', help: 'Changesets of devices taken in, by result', labelNames: ['result'], registers: [this.registry] });
  readonly packBytes = new Counter({ name: 'carryon_pack_bytes_total', help: 'Bytes of packs sent', registers: [this.registry] });
  readonly packsBuilt = new Gauge({ name: 'carryon_packs_built', help: 'Packs built since the start', registers: [this.registry] });
  readonly checkpoint = new Gauge({ name: 'carryon_checkpoint', help: 'Last published checkpoint', registers: [this.registry] });
  readonly rules = new Gauge({ name: 'carryon_rules', help: 'Rules of all profiles, equal ones counted once', registers: [this.registry] });
  readonly evaluation = new Histogram({ name: 'carryon_evaluation_seconds', help: 'Time to publish a checkpoint', buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60], registers: [this.registry] });
  readonly failures = new Counter({ name: 'carryon_evaluation_failures_total', help: 'Evaluations that failed, by error code', labelNames: ['code'], registers: [this.registry] });
  readonly waiting = new Gauge({ name: 'carryon_devices_waiting', help: 'Devices that wait for a change', registers: [this.registry] });
  readonly cpu = new Gauge({ name: 'carryon_cpu_seconds', help: 'CPU time of the process, user and system', registers: [this.registry] });
  readonly memory = new Gauge({ name: 'carryon_memory_bytes', help: 'Resident memory of the process', registers: [this.registry] });
}
