export { clockContract, type ClockSubject } from './clock-contract.ts';
export { FakeNet, hanging, inChunks, portal, PORTAL, refuse, respond, type Answering } from './fake-net.ts';
export { digestRows, makePack, sha256, type FakePack, type FakePart, type FakeRow, type PackOptions } from './fake-pack.ts';
export { FakeServer, type FakeServerOptions } from './fake-server.ts';
export { ManualHost } from './manual-host.ts';
export { netContract } from './net-contract.ts';
export { packStoreContract, type PackStoreSubject } from './pack-store-contract.ts';
export { sqliteContract, type SqliteSubject } from './sqlite-contract.ts';
export { VirtualClock } from './virtual-clock.ts';
