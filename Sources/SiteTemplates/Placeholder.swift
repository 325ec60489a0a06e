// SiteTemplates
