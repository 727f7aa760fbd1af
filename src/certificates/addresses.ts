/** The plain-http addresses that go into certificates and lists. `pkiUrl` has no slash at its end. */
export type Addresses = {
  partitionCrl(authority: string, partition: number): string
  deltaCrl(authority: string): string
  ocsp(authority: string): string
  certificate(authority: string): string
}

export function addressesAt(pkiUrl: string): Addresses {
  return {
    partitionCrl: (authority, partition) => `${pkiUrl}/crl/${authority}/${partition}.crl`,
    deltaCrl: authority => `${pkiUrl}/crl/${authority}-delta.crl`,
    ocsp: authority => `${pkiUrl}/ocsp/${authority}`,
    certificate: authority => `${pkiUrl}/ca/${authority}.cer`,
  }
}

export const rootCrlAddress = (pkiUrl: string): string => `${pkiUrl}/crl/root.crl`
