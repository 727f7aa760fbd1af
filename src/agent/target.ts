/** What a front end can be told. Serial numbers are lower-case hex; each target spells them as its front end does. */

export type Proof = 'answer' | 'handshake'
export type BundleResult = { readonly inForce: boolean, readonly detail: string }

/**
 * The last second in which a front end that counts whole seconds may let phones in, so that it does not go on until the end
 * of the one in which the time runs out.
 */
export const lastSecond = (until: Date): number => Math.max(0, Math.floor(until.getTime() / 1000) - 1)

export type Target = {
  /** The kind of front end. */
  readonly name: string
  /** It knows certificates by the signed lists alone: what the feed adds is in force there once a list has it. */
  readonly knowsListsOnly?: boolean
  /** What shows from outside that somebody was let in: an answer to a request, unless it sees no requests. */
  readonly proof?: Proof
  /**
   * Makes the files that the front end needs to start, refusing everybody, where they are not there.
   * @param ca  PEM: the issuing CAs and their root
   */
  prepare(ca: string): void
  /** Version of the running front end. @throws when it does not answer */
  version(): Promise<string>
  /** Puts the whole set in the place of whatever there is. */
  load(serialNumbers: () => Iterable<string>): Promise<void>
  /**
   * Each of these answers false when what was loaded is gone (the front end was restarted), and has then done nothing
   * that lets anybody in: the whole set has to be loaded first.
   */
  add(serialNumbers: readonly string[]): Promise<boolean>
  lift(serialNumbers: readonly string[]): Promise<boolean>
  /** Lets phones in until this instant of this machine's clock; one that has passed refuses everybody. */
  fresh(until: Date): Promise<boolean>
  /** Puts the signed lists in place, for handshakes: the root's and every partition's, as PEM, of one moment, a piece for each. */
  bundle(pem: Iterable<string>): Promise<BundleResult>
  /** Ends what is running for these certificates, as far as the front end can. @returns how many were ended */
  cut(serialNumbers: readonly string[]): Promise<number>
  close(): void
}
