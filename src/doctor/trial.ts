/** What a trial works with. */
import type { Certificate } from '../formats/x509.ts'
import type { Identity, Version } from './ask.ts'
import type { Client } from './client.ts'
import { mendOf } from './mends.ts'
import type { Finding, FindingCode, Severity } from './findings.ts'

/** A list that the service has published; `partition` is null for a root's. Without one that is needed nobody gets in. */
export type PublishedList = {
  readonly authority: string, readonly partition: number | null, readonly crlNumber: number, readonly thisUpdate: Date, readonly nextUpdate: Date, readonly needed: boolean
}
export type Ca = { readonly name: string, readonly role: string, readonly certificate: Certificate }

/** What the service answers when a trial begins. */
export type Begun = {
  readonly kind: string
  readonly whenStale: string
  /** As the agent beside the front end says; null where there is none. */
  readonly standing: string | null
  readonly trusted: readonly Ca[]
  readonly untrusted: readonly Ca[]
  readonly lists: readonly PublishedList[]
}

/** Certificates of a trial: `revoked` from the start, `later` in its middle; about `outage` the service answers nobody. */
export type Identities = Readonly<Record<'good' | 'revoked' | 'later' | 'outage', Identity>>

export type Trial = {
  readonly client: Client
  readonly begun: Begun
  readonly identities: Identities
  /** A phone's, with which requests get to what stands behind the front end. */
  readonly own: Identity | undefined
  /** Of another CA under the same root. */
  readonly foreign: Identity | undefined
  readonly versions: readonly Version[]
  /** How long a revocation may take before it is said to be late, and how long it is waited for. */
  readonly lateMs: number
  readonly patienceMs: number
  readonly now: Date
  readonly revokeLater: () => Promise<void>
  /** By serial number, how often the front end has asked the service. */
  readonly asked: () => Promise<ReadonlyMap<string, number>>
}

export const findingOf = ({ begun }: Pick<Trial, 'begun'>, code: FindingCode, severity: Severity, sentence: string): Finding =>
  ({ code, severity, sentence, mend: mendOf(code, begun.kind) })
