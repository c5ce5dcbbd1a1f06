// Draws a terminal's text as an SVG: node tools/terminal-picture.ts TITLE < text > picture.svg
// The picture in the README is made from what the command really printed.
const LINE_PX = 19;
const CHAR_PX = 8.1;
const PAD_PX = 16;
const BAR_PX = 30;

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** One line; a bar's blocks are coloured. */
function drawLine(text: string, row: number): string {
  const y = BAR_PX + PAD_PX + row * LINE_PX + 6;
  const colour = text.startsWith('$') ? '#7ee787' : /^\d\. /.test(text) ? '#ffffff' : '#c9d1d9';
  const parts = text.split(/([█░]+)/).map((part) => (/[█░]/.test(part) ? `<tspan fill="#4493f8">${part}</tspan>` : escape(part)));
  return `<text x="${PAD_PX}" y="${y}" fill="${colour}" xml:space="preserve">${parts.join('')}</text>`;
}

export function drawTerminal(title: string, text: string): string {
  const lines = text.replace(/\n+$/, '').split('\n');
  const width = Math.ceil(Math.max(...lines.map((line) => line.length)) * CHAR_PX + 2 * PAD_PX);
  const height = BAR_PX + 2 * PAD_PX + lines.length * LINE_PX - 6;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<text x="${width / 2}" y="20" fill="#8b949e" text-anchor="middle" font-family="sans-serif" font-size="12">${escape(title)}</text>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13.5">
${lines.map(drawLine).join('\n')}
</g>
</svg>
`;
}

if (process.argv[1]?.endsWith('terminal-picture.ts')) {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += String(chunk);
  process.stdout.write(drawTerminal(process.argv[2] ?? '', text));
}
