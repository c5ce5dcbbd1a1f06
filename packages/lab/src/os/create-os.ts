import type { Platform } from '@carryon/policy';
import { Android } from './android.ts';
import { ANDROID_NUMBERS, type AndroidNumbers } from './android-numbers.ts';
import { Ios } from './ios.ts';
import { IOS_NUMBERS, type IosNumbers } from './ios-numbers.ts';
import type { MachineParts } from './machine.ts';
import { Node, NODE_NUMBERS, type NodeNumbers } from './node.ts';
import type { Os, ProcessHooks } from './os.ts';
import type { Adopt, Chance, Downloader, Timeline } from './ports.ts';
import type { Surroundings } from './surroundings.ts';
import { NO_FAULTS, SERVICES, type TransferFaults, type TransferService } from './transfer-service.ts';
import { OsTransfers } from './transfers.ts';
import { Web, WEB_NUMBERS, type WebNumbers } from './web.ts';
import { Windows, WINDOWS_NUMBERS, type WindowsNumbers } from './windows.ts';

/** What differs from the defaults; each platform reads its own. */
export interface OsOptions {
  readonly ios?: Partial<IosNumbers>;
  readonly android?: Partial<AndroidNumbers>;
  readonly windows?: Partial<WindowsNumbers>;
  readonly web?: Partial<WebNumbers>;
  readonly node?: Partial<NodeNumbers>;
  /** `none`: the device has no transfer service. */
  readonly service?: Partial<TransferService> | 'none';
  readonly faults?: Partial<TransferFaults>;
  /** The surroundings at first. */
  readonly device?: Partial<Surroundings>;
}

export interface OsParts {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly hooks: ProcessHooks;
  readonly downloader: Downloader;
  readonly adopt: Adopt;
  /** The device's clock; default: the timeline, that is, nobody sets it. */
  readonly wallMs?: () => number;
  readonly options?: OsOptions;
}

/** The operating system of a new device; its app was never opened. */
export function createOs(platform: Platform, parts: OsParts): Os {
  const { options = {}, timeline, chance, hooks } = parts;
  const wallMs = parts.wallMs ?? (() => timeline.nowMs());
  const machine: MachineParts = { platform, timeline, chance, hooks, transfers: serviceOf(platform, parts), wallMs, device: options.device ?? {} };
  switch (platform) {
    case 'ios': return new Ios(machine, { ...IOS_NUMBERS, ...options.ios });
    case 'android': return new Android(machine, { ...ANDROID_NUMBERS, ...options.android });
    case 'windows10':
    case 'windows11': return new Windows(machine, { ...WINDOWS_NUMBERS, ...options.windows });
    case 'web': return new Web(machine, { ...WEB_NUMBERS, ...options.web });
    case 'node': return new Node(machine, { ...NODE_NUMBERS, ...options.node });
  }
}

function serviceOf(platform: Platform, parts: OsParts): OsTransfers | undefined {
  const { timeline, chance, downloader, adopt, options = {} } = parts;
  const usual = SERVICES[platform];
  if (usual === undefined || options.service === 'none') return undefined;
  return new OsTransfers({ timeline, chance, downloader, adopt, service: { ...usual, ...options.service }, faults: { ...NO_FAULTS, ...options.faults } });
}
