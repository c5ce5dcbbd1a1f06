/** What the demonstration's hints name. */
export interface Named {
  readonly url: string;
  readonly data: string;
  readonly device: string;
  readonly dir: string;
  readonly user: string;
  /** A work order on the device. */
  readonly number: string;
}

/** What to try with the demonstration while its server runs. */
export function demoHints({ url, data, device, dir, user, number }: Named): string {
  const at = dir === 'carryon-demo' ? '' : ` --dir ${dir}`;
  const set = (status: string): string => `npx carryon write ${device} "UPDATE work_orders SET status = '${status}' WHERE number = '${number}'"`;
  return `
What to try next, in another terminal:
  npx carryon query ${device} "SELECT status, count(*) AS jobs FROM work_orders GROUP BY status"
  export CARRYON_TOKEN=$(npx carryon token --data ${data} --user ${user})
  npx carryon sync ${url} --into ${device} --watch     (keeps the device current; kill it whenever you like)

And in a third, while that runs. Changes on the server arrive on the device:
  npx carryon demo --edit${at}

Changes on the device arrive on the server:
  ${set('in_progress')}
  npx carryon demo --show ${number}${at}

What the business database refuses, such as a status that it does not know, waits for a decision:
  ${set('done')}
  npx carryon errors ${device}
  npx carryon retry ${device} --set status=completed
  npx carryon demo --show ${number}${at}

Who may hold what, and how much that is for one person, is in the profile:
  npx carryon profile preview ${dir}/profile.json --database ${dir}/business.db --user ${user}

The server runs until Ctrl-C.`;
}
