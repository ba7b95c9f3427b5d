import { Duplex } from "node:stream";

/** Two streams, each of which reads what the other writes. */
export function streamPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex) => {
    let resume = () => {};
    const write = (data: Buffer, done: () => void): void => {
      const peer = other();
      if (peer.destroyed || peer.push(data)) setImmediate(done);
      else resumers.set(peer, done);
    };
    const stream: Duplex & { wanted?: () => void } = new Duplex({
      read: () => resume(),
      write: (data: Buffer, _encoding, done) => write(data, done),
      // What is written together arrives together.
      writev: (chunks, done) => write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done),
      final(done) {
        if (!other().destroyed) other().push(null);
        done();
      },
    });
    resume = () => {
      const done = resumers.get(stream);
      resumers.delete(stream);
      done?.();
    };
    stream.on("error", () => {});
    return stream;
  };
  const resumers = new Map<Duplex, () => void>();
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}
