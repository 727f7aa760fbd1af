import type { Authorities } from '../certificates/authority.ts'
import type { IssueDeps } from '../certificates/issue.ts'
import type { Catalogue } from '../devices/catalogue.ts'
import type { DeviceAnchor } from '../devices/device-identity.ts'
import type { Signer } from '../formats/signatures.ts'
import type { EnrollmentStore } from './records.ts'

/** What signs configuration profiles: our own signer, or a publicly trusted one. `chain` excludes its own certificate. */
export type ProfileSigner = { signer: Signer, certificate: Buffer, chain: Buffer[] }

/** What the story needs from the rest of the service. */
export type EnrollmentDeps = IssueDeps & {
  now: () => Date
  store: EnrollmentStore
  authorities: () => Authorities
  catalogue: () => Catalogue
  anchors: readonly DeviceAnchor[]
  profileSigner: (now: Date) => ProfileSigner
  /** the https address of this service, without a slash at its end */
  url: string
  certificateDays: number
  gradeInCertificate: boolean
  evidenceMaxAgeDays: number
  /** SCEP clients see no reason (Apple's shows none), so it goes to the log */
  onScepRefusal?: (authority: string, code: string) => void
}
