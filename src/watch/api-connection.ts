/** How to reach and be known to an API server; made by `loadKubeconfig` or `inClusterConnection`, used by `connectApi`. */
export type ApiConnection = {
  /** `https://host:port`, or `http://…` for a server on loopback. A path prefix is kept. */
  readonly server: string
  /** PEM bundle that signs the server's certificate; the system's roots if absent. */
  readonly ca?: string
  readonly insecureSkipTlsVerify?: boolean
  /** Name the server's certificate is checked against, instead of the URL's host. */
  readonly tlsServerName?: string
  /** PEM; both or neither. */
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** Value of the Authorization header, asked for each request so that a rotated token is used. */
  readonly authorization?: () => string
  /** Namespace of requests that name none. */
  readonly namespace: string
  /** Names from the kubeconfig, for messages. */
  readonly context?: string
  readonly user?: string
}
