import type { Addresses } from '../certificates/addresses.ts'
import type { Authorities } from '../certificates/authority.ts'
import type { IssueDeps } from '../certificates/issue.ts'
import type { Keyring } from '../certificates/keyring.ts'
import type { Config } from '../config.ts'
import type { Catalogue } from '../devices/catalogue.ts'
import type { DeviceAnchor } from '../devices/device-identity.ts'
import type { Database } from '../store/db.ts'
import type { Answers } from './answers.ts'
import type { Log } from './log.ts'
import type { Notifications } from './notifications.ts'

/** What every endpoint and every scheduled task is given. Made once, in main and in tests. */
export type Service = {
  readonly config: Config
  readonly db: Database
  readonly now: () => Date
  readonly keyring: Keyring
  readonly addresses: Addresses
  /** The newest snapshot; `reload` after a change, and once a minute for what other instances did. */
  readonly authorities: () => Authorities
  readonly catalogue: () => Catalogue
  readonly reload: () => Promise<void>
  /** Device CAs whose signature counts as evidence: Apple's, and a simulated one where the setting says so. */
  readonly anchors: readonly DeviceAnchor[]
  readonly log: Log
  /** Puts what is about to be signed on record. */
  readonly reserve: IssueDeps['reserve']
  /** What `/check` and OCSP answer from. */
  readonly answers: Answers
  /** Whether it hears of what other instances do. */
  readonly notifications: Notifications
  /** Tells the schedule that revocation data changed: it publishes within a second. */
  readonly revocationChanged: () => void
}
