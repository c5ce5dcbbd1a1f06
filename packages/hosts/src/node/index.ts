export { systemClock } from './clock.ts';
export { openDevice, readDevice, type DeviceOptions } from './device.ts';
export { deviceFile, packsFolder } from './folder.ts';
export { NodeHost, type NodeHostOptions } from './host.ts';
export { nodeNet } from './net.ts';
export { NodePackStore } from './pack-store.ts';
export { queryDevice, type QueryResult } from './query.ts';
export { systemRandom } from './random.ts';
export { NodeSqlite } from './sqlite.ts';
