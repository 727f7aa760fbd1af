import { asker } from './rows/asker.ts'
import { check } from './rows/check.ts'
import { crl } from './rows/crl.ts'
import { issuing } from './rows/issuing.ts'
import { ocsp } from './rows/ocsp.ts'
import { ota } from './rows/ota.ts'
import { pkcs12 } from './rows/pkcs12.ts'
import { revocation } from './rows/revocation.ts'
import { scep } from './rows/scep.ts'
import { start } from './rows/start.ts'
import type { Stage } from './stage.ts'
import type { Work } from './table.ts'

export type Part = { title: string, run: (stage: Stage) => Promise<Work[]> }

/** In the order in which they run. */
export const parts = {
  asker: { title: 'whether who asks is quick enough', run: asker },
  issuing: { title: 'certificates issued from requests over HTTP', run: issuing },
  scep: { title: 'whole SCEP enrollments', run: scep },
  ota: { title: 'whole Over-the-Air enrollments', run: ota },
  pkcs12: { title: 'a PKCS#12 profile', run: pkcs12 },
  start: { title: 'starting with a large store', run: start },
  ocsp: { title: 'OCSP over the large store', run: ocsp },
  check: { title: '/check over the large store', run: check },
  crl: { title: 'complete lists', run: crl },
  revocation: { title: 'one revocation where many are revoked', run: revocation },
} satisfies Record<string, Part>

export type PartName = keyof typeof parts
