/** What answers about certificates and to front ends rest on: remembered while nothing can have changed it, and otherwise read. */
import type { CertificateKey } from '../certificates/revoke.ts'
import { answerRecordStore, type AnswerRecord } from '../store/answer-records.ts'
import type { Database } from '../store/db.ts'
import { frontEndStore, type FrontEnd } from '../store/front-ends.ts'
import { answerWatch, isLoss } from './answer-watch.ts'
import { gathered } from './gathered.ts'
import type { Log } from './log.ts'
import { Remembered } from './remembered.ts'

/** Of certificates, each about a kilobyte. However many there are, more are not remembered. */
const mostCertificates = 50_000
const mostFrontEnds = 1000

export type Answers = {
  /** What is remembered and counts, also while the database is lost; undefined says nothing. */
  known: { frontEnd(name: string): FrontEnd | undefined, bySha256(sha256: Buffer): AnswerRecord | undefined, byKey(key: CertificateKey): AnswerRecord | undefined }
  /** Remembered or read. @throws {CaError} database-unavailable */
  frontEnd(name: string): Promise<FrontEnd | undefined>
  bySha256(sha256: Buffer): Promise<AnswerRecord | undefined>
  byKey(key: CertificateKey): Promise<AnswerRecord | undefined>
  /** For what no trigger writes down, such as a first use. */
  forget(key: CertificateKey): void
  /** Who has read and finds it changed reads again, before answering. */
  changes(): number
  size(): number
}

const digestName = (sha256: Buffer): string => sha256.toString('latin1')
const serialName = (key: Pick<CertificateKey, 'serialNumber'>): string => key.serialNumber.toString('hex')

/** @property databaseLossSeconds  after so long without the database nothing that is remembered counts */
export function openAnswers({ db, log, databaseLossSeconds }: { db: Database, log: Log, databaseLossSeconds: number }): Answers {
  const lossMs = databaseLossSeconds * 1000
  const longestMs = Math.max(100, lossMs)
  const certificates = rememberedCertificates()
  const ownCopy = ownCopies()
  const frontEnds = new Remembered<FrontEnd>(mostFrontEnds)
  const watch = answerWatch({ db, log, lossMs }, ({ subject, key }) => {
    if (subject === 'certificate') certificates.delete(key)
    else if (subject === 'front-end') frontEnds.delete(key)
    else for (const all of [frontEnds, certificates]) all.clear()
  })
  const knownCertificate = (record: AnswerRecord | undefined, counts = watch.counts): AnswerRecord | undefined =>
    record !== undefined && counts() && !watch.inDoubt('certificate', serialName(record)) ? record : undefined
  const knownFrontEnd = (name: string, counts = watch.counts): FrontEnd | undefined =>
    counts() && !watch.inDoubt('front-end', name) ? frontEnds.get(name) : undefined
  /** @param since  `changes` before it was read. Only what was issued, for garbage takes nobody's place; and no probe, for each question about one is counted */
  const remember = (record: AnswerRecord | undefined, since: number): AnswerRecord | undefined => {
    if (record?.state !== 'issued' || record.probe || watch.changes() !== since || !watch.isCurrent()) return record
    const own = ownCopy(record)
    certificates.set(own)
    return own
  }
  const readBySha256 = gathered(answerRecordStore(db).bySha256, digestName, record => digestName(record.sha256!), longestMs)
  const readByKey = gathered(answerRecordStore(db).byKey, keyName, keyName, longestMs)
  const known: Answers['known'] = {
    frontEnd: name => knownFrontEnd(name),
    bySha256: sha256 => knownCertificate(certificates.bySha256(sha256)),
    byKey: key => knownCertificate(certificates.byKey(key)),
  }
  return {
    known,
    async frontEnd(name) {
      const since = watch.changes()
      const frontEnd = known.frontEnd(name) ?? await unlessLost(frontEndStore(db).find(name), () => knownFrontEnd(name, watch.countsWithoutDatabase))
      if (frontEnd !== undefined && watch.changes() === since && watch.isCurrent()) frontEnds.set(name, frontEnd)
      return frontEnd
    },
    async bySha256(sha256) {
      const since = watch.changes()
      return known.bySha256(sha256) ?? remember(await unlessLost(readBySha256(sha256), () => knownCertificate(certificates.bySha256(sha256), watch.countsWithoutDatabase)), since)
    },
    async byKey(key) {
      const since = watch.changes()
      return known.byKey(key) ?? remember(await unlessLost(readByKey(key), () => knownCertificate(certificates.byKey(key), watch.countsWithoutDatabase)), since)
    },
    forget: key => { certificates.delete(serialName(key)) },
    changes: watch.changes,
    size: () => certificates.size(),
  }
}

/** Who finds the database lost before the watch has noticed goes by what is remembered too. */
async function unlessLost<Value>(read: Promise<Value | undefined>, remembered: () => Value | undefined): Promise<Value | undefined> {
  try {
    return await read
  } catch (error) {
    const value = isLoss(error) ? remembered() : undefined
    if (value === undefined) throw error
    return value
  }
}

/** Bytes that are remembered share a kilobyte with others that are, and with nothing else. */
const sharedBytes = 1024

/** Copies what is to be remembered: a small buffer shares 8 kB with whatever was made at the same time, all of which would stay; one of its own takes a microsecond to make, and as long to forget. */
function ownCopies(): (record: AnswerRecord) => AnswerRecord {
  let shared = Buffer.alloc(0)
  const copy = (bytes: Buffer): Buffer => {
    if (bytes.length > shared.length) shared = Buffer.allocUnsafeSlow(sharedBytes)
    const own = shared.subarray(0, bytes.length)
    shared = shared.subarray(bytes.length)
    bytes.copy(own)
    return own
  }
  return record => ({ ...record, serialNumber: copy(record.serialNumber), sha256: record.sha256 && copy(record.sha256) })
}

const keyName = (key: CertificateKey): string => `${key.authorityId} ${serialName(key)}`

/** By serial number, which is how changes name them; a digest only leads there, so nothing stays behind under it. */
function rememberedCertificates() {
  const bySerial = new Remembered<AnswerRecord>(mostCertificates)
  const serialOf = new Remembered<string>(mostCertificates)
  return {
    bySha256(sha256: Buffer): AnswerRecord | undefined {
      const serial = serialOf.get(digestName(sha256))
      const record = serial === undefined ? undefined : bySerial.get(serial)
      return record?.sha256?.equals(sha256) === true ? record : undefined
    },
    byKey(key: CertificateKey): AnswerRecord | undefined {
      const record = bySerial.get(serialName(key))
      return record?.authorityId === key.authorityId ? record : undefined
    },
    set(record: AnswerRecord): void {
      bySerial.set(serialName(record), record)
      if (record.sha256 !== null) serialOf.set(digestName(record.sha256), serialName(record))
    },
    delete: (serial: string): void => { bySerial.delete(serial) },
    clear: (): void => { bySerial.clear(); serialOf.clear() },
    size: () => bySerial.size,
  }
}
