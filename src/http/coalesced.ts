/** One at a time; however often it is asked for while it runs, it runs once more afterwards. */
export function coalesced(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let again = false
  return async () => {
    again = running !== undefined
    running ??= (async () => {
      do {
        again = false
        await run()
      } while (again)
    })().finally(() => { running = undefined })
    await running
  }
}
