/**
 * Keys that are made before they are asked for: to find one of RSA-2048 takes a tenth of a second and more, which somebody
 * with a phone in hand would wait for. Nothing is made before the first is asked for, so who delivers no keys pays nothing.
 *
 * @param most  so many are kept, in memory only
 * @param rest  before each that is made ahead, so that whoever took one has their answer first
 */
export function spareKeys<Key>(make: () => Promise<Key>, most: number, rest: () => Promise<void> = async () => {}): () => Promise<Key> {
  const spare: Key[] = []
  let making: Promise<void> | undefined
  // One after the other: a key takes a whole core while it is looked for.
  const fill = async (): Promise<void> => {
    while (spare.length < most) {
      await rest()
      spare.push(await make())
    }
  }
  return async () => {
    const key = spare.shift() ?? await make()
    making ??= fill().catch(() => {}).finally(() => { making = undefined }) // whoever asks next finds the reason
    return key
  }
}
