variable "host" {
  description = "The gateway's public name, such as gateway.example. Its A and AAAA records lead to the machine."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", var.host)) && strcontains(var.host, ".")
    error_message = "host must be a public DNS name, such as gateway.example."
  }
}

variable "package_url" {
  description = "Where the machine gets the release's .deb for its architecture: a running gateway with --downloads (https://other.example/bin/sallyport_VERSION_amd64.deb) or a bucket of yours."
  type        = string
  validation {
    condition     = can(regex("^https://[^\\s'\"]+[.]deb$", var.package_url))
    error_message = "package_url must be an https address that ends in .deb."
  }
}

variable "package_sha256" {
  description = "The package's digest, from the release's SHA256SUMS. A different package is not installed."
  type        = string
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.package_sha256))
    error_message = "package_sha256 must be 64 hexadecimal digits."
  }
}

variable "acme_email" {
  description = "Where the certificate's authority may write to; empty for nowhere. With this module you accept the authority's terms of service."
  type        = string
  default     = ""
  validation {
    condition     = var.acme_email == "" || can(regex("^[^\\s@]+@[^\\s@]+$", var.acme_email))
    error_message = "acme_email must be an address, or empty."
  }
}

variable "ssh_port" {
  description = "The gateway's SSH port; 0 for none, so that everything goes through HTTPS. Port 22 is usually that of the machine's own sshd."
  type        = number
  default     = 2222
  validation {
    condition     = var.ssh_port >= 0 && var.ssh_port <= 65535 && floor(var.ssh_port) == var.ssh_port && !contains([80, 443], var.ssh_port)
    error_message = "ssh_port must be a port other than 80 and 443, or 0."
  }
}

variable "data_device" {
  description = "A block device that outlives the machine, such as /dev/disk/by-id/scsi-0DO_Volume_sallyport: accounts and host keys lie on it. It is formatted if it is empty. Empty: the machine's own disk."
  type        = string
  default     = ""
  validation {
    condition     = var.data_device == "" || can(regex("^/dev/[A-Za-z0-9/_.-]+$", var.data_device))
    error_message = "data_device must be the path of a device below /dev, or empty."
  }
}

variable "settings" {
  description = "More variables of the gateway, such as { SALLYPORT_WORKERS = \"auto\" }."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name, value in var.settings : can(regex("^SALLYPORT_[A-Z_]+$", name)) && can(regex("^[^\\n'\"\\\\]*$", value))])
    error_message = "settings are variables that begin with SALLYPORT_, on one line each, without quotes."
  }
}
