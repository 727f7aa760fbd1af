import { readFileSync } from 'node:fs'
import { addressesAt } from '../certificates/addresses.ts'
import type { Config } from '../config.ts'
import { appleDeviceAnchor, testDeviceAnchor } from '../devices/device-identity.ts'
import { loadBundledCatalogue, mergeCatalogue } from '../devices/catalogue.ts'
import type { Keyring } from '../certificates/keyring.ts'
import { loadAuthorities } from '../store/authorities.ts'
import { newestCatalogueUpdate } from '../store/catalogue.ts'
import { reservationStore } from '../store/reservations.ts'
import type { Database } from '../store/db.ts'
import { openAnswers } from './answers.ts'
import type { Log } from './log.ts'
import { merged } from './merged.ts'
import { notificationsOf } from './notifications.ts'
import type { Service } from './service.ts'
import { registerMissingAddresses } from './upkeep.ts'

type Parts = { config: Config, db: Database, keyring: Keyring, now: () => Date, log: Log }

/** Puts the parts of a service together around a database that is migrated. What changes rarely is held as snapshots. */
export async function openService(parts: Parts): Promise<Service & { onRevocationChange(wake: () => void): void }> {
  const { config, db } = parts
  const load = async () => ({ authorities: await loadAuthorities(db), catalogue: await loadCatalogue(db) })
  let snapshot = await load()
  const addresses = addressesAt(config.pkiUrl)
  let wake = (): void => {}
  return {
    ...parts,
    addresses,
    reserve: merged(reservationStore(db).add),
    answers: openAnswers({ db, log: parts.log, databaseLossSeconds: config.databaseLossSeconds }),
    notifications: notificationsOf(parts),
    anchors: [appleDeviceAnchor(), ...config.testDeviceCa === undefined ? [] : [testDeviceAnchor(readFileSync(config.testDeviceCa, 'utf8'))]],
    authorities: () => snapshot.authorities,
    catalogue: () => snapshot.catalogue,
    reload: async () => {
      const next = await load()
      await registerMissingAddresses({ config, db, addresses }, next.authorities)
      snapshot = next
      for (const { key } of next.authorities.all) if (key.privateKey === null) parts.keyring.forget(key)
    },
    revocationChanged: () => wake(),
    onRevocationChange: callback => { wake = callback },
  }
}

async function loadCatalogue(db: Database) {
  const update = await newestCatalogueUpdate(db)
  return update === undefined ? loadBundledCatalogue() : mergeCatalogue(loadBundledCatalogue(), update)
}
