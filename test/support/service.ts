/** A whole service without its doors: real database, real keys, real authorities, and a clock that moves only when told. */
import { generateKeyPairSync } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { addressesAt, rootCrlAddress } from '../../src/certificates/addresses.ts'
import { activeAuthority, type Authorities } from '../../src/certificates/authority.ts'
import { createAgentAuthority, createHierarchy } from '../../src/certificates/hierarchy.ts'
import type { KeyAlgorithm, Keyring } from '../../src/certificates/keyring.ts'
import { publish, type PublishResult } from '../../src/certificates/publish.ts'
import { renewSigners } from '../../src/certificates/signers.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { loadBundledCatalogue, mergeCatalogue, type Catalogue } from '../../src/devices/catalogue.ts'
import { appleDeviceAnchor } from '../../src/devices/device-identity.ts'
import { defaultTemplate } from '../../src/enrollment/template.ts'
import { openAnswers } from '../../src/http/answers.ts'
import { silentLog } from '../../src/http/log.ts'
import { merged } from '../../src/http/merged.ts'
import { notificationsOf } from '../../src/http/notifications.ts'
import type { Service } from '../../src/http/service.ts'
import { openKeyring } from '../../src/keys/keyring.ts'
import { hierarchyStore, loadAuthorities, registerPartitions, signerStore } from '../../src/store/authorities.ts'
import { newestCatalogueUpdate } from '../../src/store/catalogue.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { publicationTransaction } from '../../src/store/crls.ts'
import type { Database, Queryable } from '../../src/store/db.ts'
import { templateStore } from '../../src/store/templates.ts'
import { fakeClock, type FakeClock } from './clock.ts'
import { freshDatabase } from './database.ts'
import { keptRsaKey } from './kept.ts'

export type TestService = Service & {
  readonly clock: FakeClock
  /** Publishes the lists of the issuing and the enrollment CA, as the schedule would. */
  readonly publish: (full?: boolean) => Promise<PublishResult[]>
}

export type Overrides = Partial<Omit<Service, 'config' | 'now'>> & { config?: Partial<Config>, clock?: FakeClock }

/** @param overrides  `config` is laid over the defaults of an empty environment, with two CRL partitions */
export async function testService(t: ExecutionContext<any>, overrides: Overrides = {}): Promise<TestService> {
  const clock = overrides.clock ?? fakeClock()
  const config: Config = { ...loadConfig({}), crlPartitions: 2, ...overrides.config }
  const db = overrides.db ?? await freshDatabase(t)
  const keyring = overrides.keyring ?? pooledKeyring('a passphrase of tests')
  const addresses = addressesAt(config.pkiUrl)
  await firstStart({ config, db, keyring, now: clock.now() })
  let authorities = await loadAuthorities(db)
  let catalogue = await catalogueOf(db)
  return {
    db, keyring, addresses, reserve: merged(reservationStore(db).add), anchors: [appleDeviceAnchor()], log: silentLog, revocationChanged: () => {},
    answers: openAnswers({ db, log: overrides.log ?? silentLog, databaseLossSeconds: config.databaseLossSeconds }),
    notifications: notificationsOf({ db, log: silentLog }),
    authorities: () => authorities, catalogue: () => catalogue,
    reload: async () => {
      authorities = await loadAuthorities(db)
      catalogue = await catalogueOf(db)
    },
    ...overrides, config, now: clock.now, clock,
    publish: async (full = false) => await publishBoth({ config, db, keyring, now: clock.now(), authorities }, full),
  }
}

type Parts = { config: Config, db: Database, keyring: Keyring, now: Date }

async function firstStart({ config, db, keyring, now }: Parts): Promise<void> {
  const { pkiUrl, organization, keyType, crlPartitions } = config
  const addresses = addressesAt(pkiUrl)
  await createHierarchy({
    keyring, addresses, rootCrlUrl: rootCrlAddress(pkiUrl), organization, keyType, partitions: crlPartitions,
    transaction: async work => await db.transaction(async tx => await work(hierarchyStore(tx))),
  }, now)
  await createAgentAuthority({ keyring, organization, keyType, transaction: async work => await db.transaction(async tx => await work(hierarchyStore(tx))) }, now)
  for (const authority of (await loadAuthorities(db)).all.filter(({ role }) => role === 'issuing' || role === 'enrollment')) {
    await registerPartitions(db, authority.id, authority.partitions, partition => addresses.partitionCrl(authority.name, partition))
  }
  await renewSigners({
    keyring, addresses, organization, keyType, reserve: async reservation => await reservationStore(db).add([reservation]),
    transaction: async work => await db.transaction(async tx => await work({ ...signerStore(tx), complete: certificateStore(tx).complete })),
  }, await loadAuthorities(db), now)
  await templateStore(db).addIfMissing({ name: 'default', template: defaultTemplate, updatedAt: now, updatedBy: 'latchkey' })
}

async function catalogueOf(db: Queryable): Promise<Catalogue> {
  const update = await newestCatalogueUpdate(db)
  return update === undefined ? loadBundledCatalogue() : mergeCatalogue(loadBundledCatalogue(), update)
}

async function publishBoth({ config, db, keyring, now, authorities }: Parts & { authorities: Authorities }, full: boolean): Promise<PublishResult[]> {
  const periods = { nextUpdateMs: config.crlValidityHours * 3_600_000, fullEveryMs: config.crlPeriodMinutes * 60_000 }
  const deps = { keyring, addresses: addressesAt(config.pkiUrl), periods, transaction: publicationTransaction(db) }
  const results: PublishResult[] = []
  for (const role of ['issuing', 'enrollment'] as const) results.push(await publish(deps, activeAuthority(authorities, role), now, full))
  return results
}

/** A keyring whose nth RSA key of a length is the same in every service: they cost time, and no test depends on theirs being new. */
export function pooledKeyring(passphrase: string): Keyring {
  const keyring = openKeyring(passphrase)
  const used = new Map<KeyAlgorithm, number>()
  return {
    ...keyring,
    generate: async algorithm => {
      const index = used.get(algorithm) ?? 0
      used.set(algorithm, index + 1)
      return keyring.seal(algorithm.startsWith('RSA') ? keptRsaKey(Number(algorithm.slice(4)), `service-${index}`) : generateKeyPairSync('ec', { namedCurve: algorithm }).privateKey)
    },
  }
}
