# A gateway on a new virtual machine of any cloud: makes the text that the machine gets as its user data (cloud-init). The module
# knows no provider; README.md shows it together with one.

terraform {
  required_version = ">= 1.5.0"
}

locals {
  settings = merge(
    {
      SALLYPORT_PUBLIC_URL     = "https://${var.host}"
      SALLYPORT_HTTP           = "[::]:443"
      SALLYPORT_ACME           = "true"
      SALLYPORT_ACME_HTTP      = "[::]:80"
      SALLYPORT_NO_FIRST_TOKEN = "true"
    },
    var.acme_email == "" ? {} : { SALLYPORT_ACME_EMAIL = var.acme_email },
    var.ssh_port == 0 ? {} : { SALLYPORT_SSH = "[::]:${var.ssh_port}" },
    var.settings,
  )

  user_data = templatefile("${path.module}/cloud-init.yaml.tftpl", {
    environment    = join("", [for name in sort(keys(local.settings)) : "${name}=${local.settings[name]}\n"])
    package_url    = var.package_url
    package_sha256 = var.package_sha256
    data_device    = var.data_device
  })
}
