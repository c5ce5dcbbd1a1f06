import type { Downloader } from '../os/ports.ts';
import type { LabLink } from './link.ts';
import type { LabAnswer } from './server.ts';

/** The device's network as its OS's transfer service uses it: it belongs to no process, and keeps the bytes of broken downloads. */
export class LabDownloads implements Downloader {
  readonly #link: LabLink;
  readonly #who: string;
  /** Bytes that came, by path: a download that goes on may have a newer address. */
  readonly #partial = new Map<string, Uint8Array[]>();

  constructor(link: LabLink, who = `${link.name}/os`) {
    this.#link = link;
    this.#who = who;
  }

  /** The OS's temporary files are gone. */
  forget(): void {
    this.#partial.clear();
  }

  download: Downloader['download'] = (url, fromByte, onBytes, onEnd) => {
    const { pathname } = new URL(url);
    const kept = Buffer.concat(this.#partial.get(pathname) ?? []).subarray(0, fromByte);
    let pieces: Uint8Array[] = [];
    let answer: LabAnswer | undefined;
    const headers = kept.length > 0 ? { range: `bytes=${kept.length}-` } : {};
    const exchange = this.#link.send({ method: 'GET', url, headers, who: this.#who }, {
      head: (head) => {
        answer = head;
        pieces = head.status === 206 ? [kept] : [];
        if (isFile(head)) this.#partial.set(pathname, pieces);
      },
      chunk: (bytes) => {
        if (!answer || !isFile(answer)) return;
        pieces.push(bytes);
        onBytes(bytes.length);
      },
      end: (error) => {
        if (error || !answer) return onEnd({ ok: false });
        if (!isFile(answer)) return onEnd({ ok: false, status: answer.status });
        this.#partial.delete(pathname);
        onEnd({ ok: true, bytes: Buffer.concat(pieces) });
      },
    });
    return () => exchange.stop('stopped by the OS');
  };
}

const isFile = ({ status }: LabAnswer): boolean => status === 200 || status === 206;
