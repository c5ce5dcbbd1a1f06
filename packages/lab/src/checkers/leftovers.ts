import type { LabDevice } from '../actors/device.ts';

/** When all is done no pack is left on the disk, and the OS has no transfer of ours. */
export async function leftovers(device: LabDevice): Promise<string[]> {
  const bytes = device.disk.usedBytes();
  const transfers = await device.os.transfers?.list() ?? [];
  return [
    ...(bytes > 0 ? [`${bytes} bytes of packs are left on the disk`] : []),
    ...(transfers.length > 0 ? [`the OS still has ${transfers.length} transfers: ${transfers.map(({ name, phase }) => `${name.slice(0, 12)} ${phase}`).join(', ')}`] : []),
  ];
}
