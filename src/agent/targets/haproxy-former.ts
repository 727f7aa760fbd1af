/** Processes of HAProxy that were replaced and end slowly. Only connections that were open before still reach them. */
import type { HaproxyCli } from './haproxy-cli.ts'
import { cutStreams } from './haproxy-streams.ts'

// Longer than any request may run.
const longestSeconds = 86_400

export class FormerProcesses {
  readonly #all = new Set<HaproxyCli>()

  take(cli: HaproxyCli): void {
    this.#all.add(cli)
    // HAProxy ends a connection over which nothing is said for `stats timeout`, a minute as printed.
    cli.ask(`set timeout cli ${longestSeconds}`).catch(() => {}) // it has ended already
  }

  /** One that has ended meanwhile lets nobody in either. */
  async each(act: (cli: HaproxyCli) => Promise<void>): Promise<void> {
    await Promise.all([...this.#all].map(async cli => { await act(cli).catch(() => {}) }))
  }

  async cut(keys: ReadonlySet<string>): Promise<number> {
    let count = 0
    await this.each(async cli => { count += await cutStreams(cli, keys) })
    return count
  }

  /** Called every now and then: an open connection keeps a process alive that nobody else is connected to. */
  async visit(): Promise<void> {
    await this.each(async cli => {
      if (await clientsOf(cli) === 0) cli.close()
    })
    for (const cli of this.#all) if (cli.closed) this.#all.delete(cli)
  }

  close(): void {
    for (const cli of this.#all) cli.close()
  }
}

/** Connections other than those of the Runtime API. */
async function clientsOf(cli: HaproxyCli): Promise<number | undefined> {
  const count = /^CurrConns: (\d+)$/m.exec(await cli.ask('show info'))?.[1]
  return count === undefined ? undefined : Number(count)
}
