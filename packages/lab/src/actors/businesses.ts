import { demo, type Business, type DemoOptions } from './business.ts';
import { service, type ServiceOptions } from './service.ts';

/** A business as data. */
export type BusinessOptions = DemoOptions | ServiceOptions;

export const businessOf = (options: BusinessOptions = {}): Business => ('kind' in options ? service(options) : demo(options));
